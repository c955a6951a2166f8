"""The documentation builds without warnings and is in step with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import docutils.core
import docutils.utils
import pytest

from ppl.errors import ProtocolError
from ppl.options import OPTIONS
from ppl.viewer import errors
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
    names = {option.name for option in OPTIONS} | {"nodaemon", "help"}
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
    variables = re.findall(r"^#?(PPL_\w+)=", (ROOT / "deploy/ppl.env.example").read_text("utf-8"), re.MULTILINE)
    assert set(variables) <= {option.variable for option in OPTIONS}
