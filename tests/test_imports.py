"""Imports point one way: which rooms may know which others, read off the syntax trees."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.fixtures.running import ROOT

SOURCE = ROOT / "src/ppl"
ROOMS = ("syslog", "search", "store", "listener", "link", "viewer", "web", "archive")
MODULES = sorted(path.relative_to(SOURCE) for path in SOURCE.rglob("*.py"))

#: What each room may know beside itself; a dotted name allows that module only.
ALLOWED = {
    "syslog": {"model", "errors"},
    "store": {"model", "errors", "pausing", "search", "dsn"},
    "similar": {"model", "errors", "timezone", "search", "store.grouping", "store.quiet"},
    "search": {"model", "errors", "timezone"},
    "link": {"model", "errors", "wire", "timezone", "listening", "dropping"},
    "listener": {"model", "errors", "timezone", "clock", "pausing", "throttle", "syslog", "link", "store.interface"}
    | {"bursts", "polling", "refusals"}
    | {"credentials", "networks", "proxied", "quota", "uploading", "turns", "sockets"},
    "viewer": {"model", "errors", "timezone", "wire", "options", "clock", "search", "link", "store.interface"}
    | {"bursts", "dropping", "throttle"},
    "web": {"model", "errors", "timezone", "wire", "options", "credentials", "origin", "clock", "throttle"}
    | {"search", "similar", "link", "store.interface", "networks", "proxied", "quota", "uploading", "turns"}
    | {"version", "listening", "refusals"}
    | {"archive.interface", "archive.keys", "archive.thread"},
    "archive": {"model", "errors", "store"},
    "model": set(),
    "errors": set(),
    "timezone": {"model", "errors"},
    "wire": {"model", "errors", "timezone"},
    "credentials": {"model", "errors", "store.interface"},
    "options": {"version", "dsn", "quota"},
    "dsn": set(),
    "version": set(),
    "throttle": {"model"},
    "bursts": {"model"},
    "refusals": {"bursts", "model", "throttle"},
    "pausing": set(),
    "networks": set(),
    "proxied": set(),
    "quota": {"model"},
    "dropping": set(),
    "turns": set(),
    "polling": set(),
    "listening": {"errors", "polling"},
    "clock": set(),
    "sockets": {"systemd"},
    "systemd": {"errors"},
    "uploading": {"model", "clock", "turns"},
}


def imported(path: Path) -> set[str]:
    """The modules of ours that ``path`` imports, without ``ppl.``."""
    found = set()
    for node in ast.walk(ast.parse((SOURCE / path).read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("ppl"):
            base = node.module.removeprefix("ppl").removeprefix(".")
            found |= (
                {base}
                if base and (SOURCE / (base.replace(".", "/") + ".py")).exists()
                else {f"{base}.{alias.name}".strip(".") for alias in node.names}
            )
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("ppl.") for alias in node.names if alias.name.startswith("ppl.")}
    return found


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_knows_only_what_it_may(path: Path) -> None:
    room = path.parts[0].removesuffix(".py")
    if room not in ALLOWED:
        return
    for name in imported(path):
        first = name.split(".")[0]
        allowed = ALLOWED[room]
        assert first == room or first in allowed or name in allowed, f"{path} must not import ppl.{name}"


def test_only_the_composition_root_knows_all() -> None:
    others = set(ROOMS) - {"syslog", "search"}
    knowing = {str(path) for path in MODULES if {name.split(".")[0] for name in imported(path)} >= others}
    assert knowing == {"service.py"}
