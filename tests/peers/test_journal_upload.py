"""systemd's own ``systemd-journal-upload``, sending journals to Ppl that ``systemd-journal-remote`` made."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.fixtures.programs import end, of_systemd
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.peers.pushing import stored
from tests.sources.exports import entry

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]


def journal(directory: Path, *entries: bytes) -> Path:
    """A journal with ``entries``."""
    program, environment = of_systemd("systemd-journal-remote")
    export, made = directory / "export", directory / f"made{len(list(directory.iterdir()))}.journal"
    export.write_bytes(b"".join(entries))
    subprocess.run([program, f"--output={made}", str(export)], check=True, env=environment, capture_output=True)
    return made


def some(first: int, count: int) -> list[bytes]:
    now = time.time_ns() // 1000
    return [
        entry(
            number, f"line {number} ✓", now + number, PRIORITY="3", SYSLOG_IDENTIFIER="shop", _HOSTNAME="web1",
            _TRANSPORT="journal", _PID="7", USER_ID=str(number),
        )
        for number in range(first, first + count)
    ]  # fmt: skip


def upload(
    ppl: PplProcess, token: str, made: Path, *options: str, with_password: bool = False
) -> subprocess.CompletedProcess[str]:
    """What ``systemd-journal-upload`` says when it sends the journal ``made`` to the drain."""
    program, environment = of_systemd("systemd-journal-upload")
    address = f"127.0.0.1:{ppl.http_port}"
    url = f"http://journal:{token}@{address}/" if with_password else f"http://{address}/logs/{token}"
    command = [program, f"--url={url}", f"--file={made}", "--follow=no", *options]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("with_password", [False, True])
def test_a_journal_comes_whole(module_ppl: PplProcess, tmp_path: Path, with_password: bool) -> None:
    binary = entry(9999, b"first\nsecond\n", time.time_ns() // 1000, PRIORITY="6", _COMM="tool", DATA=b"\x01\xff")
    made = journal(tmp_path, *some(0, 3), binary)
    who = module_ppl.register()
    done = upload(module_ppl, module_ppl.create_drain(who), made, with_password=with_password)
    assert done.returncode == 0, done.stderr
    events = stored(module_ppl, who, 4)
    assert [each["message"] for each in events] == ["line 0 ✓", "line 1 ✓", "line 2 ✓", "first\nsecond"]
    assert [each["severity"] for each in events] == [3, 3, 3, 6]
    assert (events[0]["file_name"], events[0]["hostname"]) == ("shop", "web1")
    assert events[0]["structured_data"]["USER_ID"] == "0"
    assert events[3]["file_name"] == "tool"


def test_a_backlog_is_one_body_and_comes_once(module_ppl: PplProcess, tmp_path: Path) -> None:
    made = journal(tmp_path, *some(0, 40_000))
    who = module_ppl.register()
    token = module_ppl.create_drain(who)
    for _ in range(2):
        done = upload(module_ppl, token, made)
        assert done.returncode == 0, done.stderr
        assert module_ppl.count(who.port) == 40_000


def test_the_last_entry_comes_again_with_each_start_and_is_stored_once(module_ppl: PplProcess, tmp_path: Path) -> None:
    made = journal(tmp_path, *some(0, 5))
    who = module_ppl.register()
    token, state = module_ppl.create_drain(who), f"--save-state={tmp_path / 'state'}"
    for _ in range(3):
        done = upload(module_ppl, token, made, state)
        assert done.returncode == 0, done.stderr
    assert "LAST_CURSOR" in (tmp_path / "state").read_text()
    assert module_ppl.count(who.port) == 5


def test_entries_that_come_while_it_follows(module_ppl: PplProcess, tmp_path: Path) -> None:
    directory = tmp_path / "journals"
    directory.mkdir()
    remote, environment = of_systemd("systemd-journal-remote")
    made = journal(tmp_path, *some(0, 5))
    made.rename(directory / "system.journal")
    who = module_ppl.register()
    program, environment = of_systemd("systemd-journal-upload")
    url = f"http://127.0.0.1:{module_ppl.http_port}/logs/{module_ppl.create_drain(who)}"
    following = subprocess.Popen(
        [program, f"--url={url}", f"--directory={directory}", "--follow", "--merge"], env=environment
    )
    try:
        _expect(module_ppl, who, 5)
        export = tmp_path / "more"
        for round_ in range(1, 4):
            export.write_bytes(b"".join(some(round_ * 100, 10)))
            subprocess.run(
                [remote, f"--output={directory / 'system.journal'}", str(export)],
                check=True, env=environment, capture_output=True,
            )  # fmt: skip
            _expect(module_ppl, who, 5 + 10 * round_)
        assert following.poll() is None
    finally:
        end(following)
    messages = [each["message"] for each in stored(module_ppl, who, 35)]
    assert len(set(messages)) == 35


def _expect(ppl: PplProcess, who: Registered, count: int) -> None:
    eventually(lambda: ppl.count(who.port) == count, f"{count} events")


def test_the_administrator_reads_why_an_upload_was_refused(module_ppl: PplProcess, tmp_path: Path) -> None:
    done = upload(module_ppl, "x" * 43, journal(tmp_path, *some(0, 1)))
    assert done.returncode != 0
    assert "This drain token is wrong or was revoked." in done.stderr
