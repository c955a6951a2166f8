"""The installed wheel: it holds the plugin, the migrations and the assets, and it really starts."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.fixtures.running import ROOT, eventually, free_ports

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "data", "build", "dist", "*.egg-info", "__pycache__", "_build")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the tree."""
    source = tmp_path_factory.mktemp("wheel") / "source"
    shutil.copytree(ROOT, source, ignore=LEFT_OUT)
    subprocess.run([sys.executable, "-m", "build", "--wheel", "-o", ".."], cwd=source, check=True, capture_output=True)
    (built,) = source.parent.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An empty virtual environment with nothing but the wheel and what it needs; gives its ``bin``."""
    directory = tmp_path_factory.mktemp("installed")
    venv.create(directory, with_pip=True)
    command = [directory / "bin/pip", "--disable-pip-version-check", "install", "--quiet", str(wheel)]
    # With the tree on PYTHONPATH pip would believe that Ppl is installed.
    subprocess.run(command, env=clean_environment(), check=True, timeout=300)
    yield directory / "bin"
    shutil.rmtree(directory, ignore_errors=True)


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PPL_") and name != "PYTHONPATH"}


def test_the_wheel_holds_plugin_migrations_templates_and_assets(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "twisted/plugins/ppl_plugin.py" in names
    assert "twisted/__init__.py" not in names
    assert "twisted/plugins/__init__.py" not in names
    for directory, pattern in (
        ("store/migrations", "*.sql"),
        ("web/templates", "*.html"),
        ("web/static", "*.css"),
        ("web/static/js", "*.js"),
    ):
        source = {f"ppl/{directory}/{path.name}" for path in (ROOT / "src/ppl" / directory).glob(pattern)}
        assert source, directory
        assert source <= names


@pytest.mark.long
@pytest.mark.beside
@pytest.mark.timeout(400)
def test_the_installed_wheel_helps_and_refuses_a_wrong_option_in_one_sentence(installed: Path, tmp_path: Path) -> None:
    def twistd(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [installed / "twistd", "--nodaemon", "--pidfile=", "ppl", *arguments],
            cwd=tmp_path, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    helped = twistd("--help")
    assert helped.returncode == 0
    assert "--public-host" in helped.stdout
    assert "PPL_PUBLIC_HOST" in helped.stdout
    refused = twistd("--ports", "9-1")
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert "Traceback" not in said
    assert [line for line in said.splitlines() if "--ports" in line and "range" in line]


@pytest.mark.long
@pytest.mark.beside
@pytest.mark.timeout(400)
def test_the_installed_wheel_really_starts(installed: Path, tmp_path: Path, dsn: str) -> None:
    ports = free_ports(10)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                installed / "twistd", "--nodaemon", "--pidfile=", "ppl",
                "--database", dsn, "--data-dir", tmp_path / "data",
                "--http", f"tcp:{ports[0]}:interface=127.0.0.1", "--ports", f"{ports[1]}-{ports[-1]}",
            ],
            cwd=tmp_path, env=clean_environment(), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        eventually(lambda: "Ppl is ready" in (tmp_path / "log").read_text(), "the start", 40)
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/register") as answer:
            page = answer.read().decode()
        style = page.split('rel="stylesheet" href="')[1].split('"')[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}{style}") as answer:
            assert answer.headers["Content-Type"].startswith("text/css")
    finally:
        process.send_signal(signal.SIGTERM)
        # twistd passes on the signal that stopped it in order.
        assert process.wait(40) in (0, -signal.SIGTERM)
        assert "Server Shut Down" in (tmp_path / "log").read_text()


def test_everything_imported_is_named_in_setup_cfg() -> None:
    configuration = ConfigParser()
    configuration.read(ROOT / "setup.cfg")
    required = configuration["options"]["install_requires"].lower()
    # Only the archive may import what its extra names: everything else runs without it.
    archive = required + configuration["options.extras_require"]["archive"].lower()
    distributions = packages_distributions()
    for path in (ROOT / "src/ppl").rglob("*.py"):
        named = archive if path.parent.name == "archive" else required
        # The standard library has ``compression`` from 3.14 on.
        for module in _imported(path) - set(sys.stdlib_module_names) - {"ppl", "compression"}:
            # zope.interface comes with Twisted, whose interfaces are its classes.
            assert module == "zope" or any(name.lower() in named for name in distributions[module]), (path, module)


def _imported(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module.split(".")[0])
    return modules


def test_the_constraints_pin_all_that_ppl_needs_with_hashes() -> None:
    text = (ROOT / "deploy/constraints.txt").read_text("utf-8")
    pinned = {
        canonicalize_name(name): (Version(version), re.findall(r"--hash=sha256:[0-9a-f]{64}", hashes))
        for name, version, hashes in re.findall(r"^([\w.-]+)==(\S+)((?: \\\n    \S+)*)$", text, re.MULTILINE)
    }
    assert len(pinned) == text.count("==")
    assert all(hashes for _, hashes in pinned.values())
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    wanted = setup["options"]["install_requires"] + setup["options.extras_require"]["archive"]
    for line in wanted.splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            assert pinned[canonicalize_name(requirement.name)][0] in requirement.specifier, line
