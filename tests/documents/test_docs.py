"""The documentation builds without warnings and is in step with the code."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import docutils.core
import docutils.utils
import pytest

import ppl
from ppl.errors import PplError, ProtocolError
from ppl.listener.http.refusals import DrainRefusal
from ppl.options import OPTIONS
from ppl.viewer import errors
from ppl.web.http.answers import Refusal
from tests.fixtures.database import execute
from tests.fixtures.running import ROOT


def test_it_builds_without_warnings_and_lists_every_option(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "-q", "-b", "html", "-d", str(tmp_path / "d"), "docs", str(tmp_path)],
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    page = (tmp_path / "options.html").read_text("utf-8")
    for option in OPTIONS:
        assert f"--{option.name}" in page
        assert option.variable in page


def test_the_protocol_page_lists_exactly_the_codes_there_are() -> None:
    text = (ROOT / "docs/protocol.rst").read_text("utf-8")
    table = text[text.index(".. _codes:") : text.index("Listener → server")]
    listed = set(re.findall(r"^``(\w+)``", table, re.MULTILINE))
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, ProtocolError)]
    assert listed == {each.code for each in classes if each is not ProtocolError}


#: Codes of errors that are sent under their own code within another refusal.
_SENT_WITHIN = {
    "statement_timeout", "store_unavailable", "too_busy", "archive_unavailable", "destination_unreachable",
    "too_many_saved", "too_many_marks",
}  # fmt: skip
#: Codes that never leave the process, or are answered with another (``too_many_searches`` with ``too_many_requests``).
_NEVER_SENT = {
    "bad_configuration", "store_unsuitable", "id_conflict", "registration_closed", "no_port_left",
    "listener_unavailable", "too_many_drains", "too_many_searches", "wrong_field", "archive_damaged",
    "too_many_destinations", "too_many_sender_tokens", "unknown_charset", "unknown_time_zone",
}  # fmt: skip


def _kinds(base: type) -> set[type]:
    return {base}.union(*(_kinds(each) for each in base.__subclasses__()))


def test_the_protocol_page_lists_exactly_the_http_errors_there_are() -> None:
    text = (ROOT / "docs/protocol.rst").read_text("utf-8")
    listed = dict(re.findall(r"^``(\w+)`` +(\d{3}) ", text[text.index("HTTP errors") :], re.MULTILINE))
    for module in pkgutil.walk_packages(ppl.__path__, "ppl."):
        importlib.import_module(module.name)
    refusals = (_kinds(Refusal) - {Refusal}) | (_kinds(DrainRefusal) - {DrainRefusal})
    sent = {each.code: str(each.status) for each in refusals}  # type: ignore[attr-defined]
    assert {code: status for code, status in listed.items() if code not in _SENT_WITHIN} == sent
    assert set(listed) - set(sent) == _SENT_WITHIN
    others = _kinds(PplError) - refusals - _kinds(ProtocolError) - _kinds(Refusal) - _kinds(DrainRefusal)
    codes = {each.code for each in others if each.__module__.startswith("ppl.")}  # type: ignore[attr-defined]
    assert codes - set(sent) == _SENT_WITHIN | _NEVER_SENT


def test_what_the_code_cites_is_in_the_repository() -> None:
    for directory in ("src", "tests", "benchmarks", "docs", "deploy"):
        for path in (ROOT / directory).rglob("*"):
            if path.suffix in (".py", ".js", ".rst", ".sql", ".html", ".css"):
                for cited in re.findall(
                    r"docs/[\w-]+\.rst|(?<![\w/-])deploy/[\w.-]+\w|\b[A-Z]{3,}\.(?:md|rst)", path.read_text("utf-8")
                ):
                    assert (ROOT / cited).exists(), f"{path}: {cited}"


@pytest.mark.parametrize("name", ["README.rst", "CHANGELOG.rst", "deploy/postgresql.rst"])
def test_a_page_renders_on_its_own(name: str) -> None:
    docutils.core.publish_string(
        (ROOT / name).read_text("utf-8"), writer="html5", settings_overrides={"halt_level": 2, "report_level": 2}
    )


def test_what_the_readme_tells_to_type_exists() -> None:
    readme = (ROOT / "README.rst").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"\bmake ([a-z-]+)", readme)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    names = {option.name for option in OPTIONS} | {"nodaemon", "pidfile", "help"}
    for line in readme.splitlines():
        if "ppl" in line and "docker" not in line:
            assert set(re.findall(r"--([a-z-]+)", line)) <= names, line
    assert set(re.findall(r"\bPPL_[A-Z_]+", readme)) <= {option.variable for option in OPTIONS}
    for picture in re.findall(r"image:: (\S+)", readme):
        assert (ROOT / picture).exists(), picture


@pytest.mark.parametrize("name", ["ppl.service", "ppl-listener.service", "ppl-server.service"])
def test_a_unit_is_complete(name: str) -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(ROOT / "deploy" / name)
    assert unit["Service"]["KillMode"] == "mixed"
    assert "twistd --nodaemon" in unit["Service"]["ExecStart"]
    assert unit["Install"]["WantedBy"] == "multi-user.target"
    file = re.search(r"/etc/ppl/(\S+)", unit["Service"]["EnvironmentFile"])
    assert file
    variables = re.findall(r"^#?(PPL_\w+)=", (ROOT / f"deploy/{file[1]}.example").read_text("utf-8"), re.MULTILINE)
    assert variables
    assert set(variables) <= {option.variable for option in OPTIONS}


def test_the_page_of_tables_lists_every_column_there_is(dsn: str) -> None:
    text = (ROOT / "docs/schema.rst").read_text("utf-8")
    listed, table = set(), ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"``(\w+)``", line):
            table = heading[1]
        elif row := re.match(r"   ``(\w+)`` ", line):
            listed.add((table, row[1]))
    columns = execute(
        dsn,
        "SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        " AND a.attnum > 0 AND NOT a.attisdropped",
    )
    assert listed == set(columns)
