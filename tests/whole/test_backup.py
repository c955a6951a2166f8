"""The commands of "Backing up and restoring" in ``docs/operators.rst``, run as written there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from ppl.store.embedded.server import EmbeddedPostgres
from tests.fixtures.running import ROOT, PplProcess, eventually, running

pytestmark = [
    pytest.mark.long,
    pytest.mark.beside,
    pytest.mark.skipif(os.geteuid() != 0, reason="the commands are root's"),
    pytest.mark.timeout(240),
]


def commands(containing: str) -> str:
    """The literal block of that section that contains ``containing``."""
    page = (ROOT / "docs/operators.rst").read_text()
    section = page.partition("\nBacking up and restoring\n")[2]
    blocks = re.findall(r"::\n\n((?:    .*\n)+)", section.partition("\nHow long events are kept\n")[0])
    (block,) = [block for block in blocks if containing in block]
    return re.sub(r"^    ", "", block, flags=re.MULTILINE)


def embedded(directory: Path) -> PplProcess:
    return PplProcess(EmbeddedPostgres(None, directory / "data").dsn, directory, "one", {"PPL_DATABASE": ""})


@pytest.fixture
def ppl(short_directory: Path) -> Iterator[PplProcess]:
    """Ppl on its embedded PostgreSQL, running."""
    yield from running(embedded(short_directory))


def run(directory: Path, *containing: str) -> str:
    """Run those blocks, in the test's directories instead of the system's; returns their standard error."""
    library = sysconfig.get_path("purelib")
    text = "".join(commands(each) for each in ("B=$(", *containing))
    for there, here in (
        ("/opt/ppl/lib/python3*/site-packages", library),
        ("/var/lib/ppl", f"{directory}/data"),
        ("/var/backups", f"{directory}/backups"),
    ):
        assert there in text or there == "/var/backups"
        text = text.replace(there, here)
    (directory / "backups").mkdir(exist_ok=True)
    (directory / "backups").chmod(0o755)
    done = subprocess.run(["bash", "-e"], input=text, cwd="/", capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{text}\n{done.stderr}"
    return done.stderr


def test_a_dump_is_restored_into_an_empty_directory(ppl: PplProcess, short_directory: Path) -> None:
    who = ppl.register()
    ppl.send(who.port, b"<13>1 - h app - - - kept\n")
    eventually(lambda: ppl.count(who.port) == 1, "a stored line")
    run(short_directory, "pg_dump ")
    ppl.stop()
    shutil.rmtree(short_directory / "data")
    ppl.start()
    said = run(short_directory, "pg_restore")
    errors = [line for line in said.splitlines() if "ERROR" in line]
    assert sorted(re.findall(r'role "(\w+)" already exists', said)) == ["postgres", "ppl"]
    assert len(errors) == 2, said
    ppl.stop()
    ppl.start()
    assert ppl.messages(who.port) == ["kept"]
    ppl.send(who.port, b"<13>1 - h app - - - and new\n")
    eventually(lambda: ppl.messages(who.port) == ["kept", "and new"], "a line after the restore")


def test_a_base_backup_takes_the_place_of_the_data(ppl: PplProcess, short_directory: Path) -> None:
    who = ppl.register()
    ppl.send(who.port, b"<13>1 - h app - - - kept\n")
    eventually(lambda: ppl.count(who.port) == 1, "a stored line")
    run(short_directory, "pg_basebackup")
    ppl.send(who.port, b"<13>1 - h app - - - too late\n")
    eventually(lambda: ppl.count(who.port) == 2, "a line after the backup")
    ppl.stop()
    run(short_directory, "postgres.old")
    ppl.start()
    assert ppl.messages(who.port) == ["kept"]
