"""Imports point one way: which rooms may know which others, read off the syntax trees of every module."""

from __future__ import annotations

import ast

import pytest

from tests.fixtures.running import ROOT

SOURCE = ROOT / "src/ppl"
#: Dotted name below ``ppl`` → its file.
MODULES = {
    ".".join(path.relative_to(SOURCE).with_suffix("").parts): path
    for path in sorted(SOURCE.rglob("*.py"))
    if path.name != "__init__.py"
}

#: What each room, or module of the root, may know beside itself: rooms, or single modules by their dotted names. A room
#: within a room is a room of its own. What knows more stands further down: no line names one that follows it, except
#: for ``service``, which knows all.
ALLOWED = {
    "model": set(),
    "errors": set(),
    "version": set(),
    "zstandard": set(),
    "dsn": set(),
    "timezone": {"errors", "model"},
    "wire": {"errors", "model", "timezone"},
    "services": {"errors", "model"},
    "search.errors": {"errors"},
    "search.regex": {"search.errors"},
    "search": {"model", "search.errors", "search.regex"},
    "packed": {"model", "search", "search.regex", "zstandard"},
    "sources": {"errors", "model", "zstandard"},
    "store.interface": {"model", "search"},
    "store.walker": {"errors", "store.interface"},
    "access": {"errors", "model", "store.interface"},
    "options": {"access", "dsn", "version"},
    "http": {"access", "model", "services"},
    "store.connecting": {"dsn", "errors", "model", "services"},
    "store.events": {"dsn", "errors", "model", "search", "store.connecting", "store.interface"},
    "store.accounts": {"errors", "model", "store.connecting", "store.events", "store.interface"},
    "store.upkeep": {"errors", "model", "search", "services", "store.connecting", "store.events"},
    "store.embedded": {"errors", "services"},
    "store": {"model", "search", "services", "store.accounts", "store.connecting", "store.events", "store.interface"}
    | {"store.upkeep"},
    "archive": {"errors", "model", "store.connecting", "store.upkeep"},
    "link": {"errors", "model", "services", "timezone", "wire"},
    "live": {"model", "search"},
    "similar": {"errors", "model", "search", "search.regex", "store.connecting.quiet", "store.events.grouping"}
    | {"timezone"},
    "listener.tls": {"errors", "model"},
    "listener.writing": {"errors", "model", "services", "store.interface"},
    "listener.limits": {"access", "errors", "listener.writing", "model", "services", "sources", "store.interface"},
    "listener.client_certificates": {"listener.tls"},
    "listener.intake": {"access", "listener.client_certificates", "listener.limits", "listener.tls", "model"}
    | {"listener.writing", "sources", "timezone"},
    "listener.sockets": {"listener.intake", "listener.limits", "listener.tls", "model", "services", "sources"},
    "listener.http": {"access", "errors", "http", "listener.intake", "listener.limits", "model", "services"}
    | {"sources", "store.interface", "timezone"},
    "listener": {"errors", "link", "listener.sockets", "model", "store.interface"},
    "viewer": {"access", "errors", "link", "live", "model", "options", "search", "search.errors", "services"}
    | {"store.interface", "store.walker", "timezone", "wire"},
    "web.http": {"access", "errors", "http", "model", "options", "search", "search.errors", "store.interface"}
    | {"timezone", "version"},
    "web.api": {"access", "archive.interface", "archive.keys", "archive.thread", "errors", "model", "search"}
    | {"similar", "store.interface", "store.walker", "timezone", "version", "web.http", "wire"},
    "web.pages": {"access", "errors", "model", "options", "search", "services", "store.interface", "timezone"}
    | {"web.api", "web.http"},
    "web.pages.settings": {"access", "errors", "model", "options", "services", "store.interface", "timezone"}
    | {"web.api", "web.http", "web.pages"},
    "web": {"access", "archive.interface", "http", "model", "options", "services", "similar", "store.interface"}
    | {"web.api", "web.http", "web.pages", "web.pages.settings"},
}  # fmt: skip


def room_of(name: str) -> str:
    """The longest entry of :data:`ALLOWED` that holds the module, ``""`` for none."""
    held = [room for room in ALLOWED if name == room or name.startswith(f"{room}.")]
    return max(held, key=len, default="")


def imported(name: str) -> set[str]:
    """The modules of Ppl that ``name`` imports, without ``ppl.``."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            if node.module == "ppl" or (node.module or "").startswith("ppl."):
                base = (node.module or "").removeprefix("ppl").removeprefix(".")
                found |= {base} if base in MODULES else {f"{base}.{each.name}".strip(".") for each in node.names}
        elif isinstance(node, ast.Import):
            found |= {each.name.removeprefix("ppl.") for each in node.names if each.name.startswith("ppl.")}
    return found


@pytest.mark.parametrize("name", sorted(MODULES.keys() - {"service"}))
def test_a_module_knows_only_what_it_may(name: str) -> None:
    room = room_of(name)
    assert room, f"{name} stands in no room of ALLOWED"
    for other in imported(name):
        other_room = room_of(other)
        allowed = other_room in ALLOWED[room] | {room} or other in ALLOWED[room]
        assert allowed, f"{name} must not import ppl.{other}"


def test_no_arrow_points_upward() -> None:
    order = list(ALLOWED)
    for room, others in ALLOWED.items():
        for other in others:
            assert order.index(room_of(other)) < order.index(room), f"{room} stands above {other}"


def test_every_rule_is_used() -> None:
    known: dict[str, set[str]] = {room: set() for room in ALLOWED}
    for name in MODULES.keys() - {"service"}:
        known[room_of(name)] |= {part for other in imported(name) for part in (other, room_of(other))}
    unused = {room: sorted(others - known[room]) for room, others in ALLOWED.items() if others - known[room]}
    assert unused == {room: [] for room in unused}


def test_the_composition_root_alone_knows_all() -> None:
    rooms = {"archive", "link", "listener", "store", "viewer", "web"}
    assert {name for name in MODULES if {room_of(other) for other in imported(name)} >= rooms} == {"service"}
    assert not [name for name in MODULES if "service" in imported(name)]
