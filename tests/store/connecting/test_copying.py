"""A ``COPY`` whose connection is lost leaves a sentence, and prints no customer's row anywhere."""

from __future__ import annotations

import subprocess
import sys

import psycopg2
import pytest

from ppl.errors import StoreUnavailable
from ppl.store.connecting.copying import CopyConnection, translated
from ppl.store.connecting.quiet import keep_rows_off_stderr
from tests.fixtures.database import execute
from tests.fixtures.running import ROOT


def test_terminated_copies_print_no_row(dsn: str) -> None:
    # Like a slot, but without its primary key, so that the same ids can be stored again and again.
    execute(dsn, "CREATE TABLE event_0 (LIKE event INCLUDING DEFAULTS)")
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.terminated", dsn, "30", "a customer's row"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5, "copies were terminated"
    assert done.stderr == ""


def test_an_error_that_psycopg2_could_not_even_tell_is_a_lost_connection() -> None:
    assert isinstance(translated(SystemError("returned a result with an exception set")), StoreUnavailable)


def test_only_errors_of_postgresql_are_kept_off_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    keep_rows_off_stderr()
    keep_rows_off_stderr()
    around = SystemError("around")
    around.__cause__ = psycopg2.OperationalError("CONTEXT: COPY event_0, line 1: a customer's row")
    sys.excepthook(SystemError, around, None)
    sys.excepthook(ValueError, ValueError("ours"), None)
    assert capsys.readouterr().err == "ValueError: ours\n"


def test_a_connection_that_is_given_up_while_it_opens_copies_nothing(dsn: str) -> None:
    connection = CopyConnection(dsn, 5, 600)
    connection.hang_up()
    with pytest.raises(psycopg2.OperationalError, match="given up"):
        connection.begin("event", b"")
    connection.close()
