"""PostgreSQL's log when the disk is full."""

from __future__ import annotations

from pathlib import Path

from ppl.store.embedded.server_log import ServerLog


def test_what_does_not_fit_is_dropped_and_the_log_goes_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.symlink_to("/dev/full")
    log = ServerLog(tmp_path)
    log.write(b"lost\n")
    log.write(b"lost too\n")
    path.unlink()
    log.write(b"kept\n")
    log.write(b"and kept\n")
    log.close()
    log.close()
    assert path.read_bytes() == b"kept\nand kept\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_of_another_start_is_continued(tmp_path: Path) -> None:
    for line in (b"first\n", b"second\n"):
        log = ServerLog(tmp_path)
        log.write(line)
        log.close()
    assert (tmp_path / "postgres.log").read_bytes() == b"first\nsecond\n"


def test_a_directory_that_is_gone_is_no_error(tmp_path: Path) -> None:
    log = ServerLog(tmp_path / "gone")
    log.write(b"lost\n")
    log.close()
