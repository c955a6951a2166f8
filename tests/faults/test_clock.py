"""A clock that is set while Ppl runs: viewers see every line all the same, and without delay."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs
import pytest

from tests.faults.lines import LineSender
from tests.fixtures.programs import program
from tests.fixtures.running import PplProcess, running
from tests.fixtures.watching import Viewer

RATE = 100
HOUR = 3_600
#: Seconds within which a line is seen that was sent after the clock was set.
SECONDS = 15


class WallTime:
    """The wall time of one process that runs under libfaketime; its steady clock stays the machine's."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "wall-time"
        self._ahead = 0
        self.set(0)
        preloaded = subprocess.run(
            [program("faketime"), "-f", "+0s", "printenv", "LD_PRELOAD"], capture_output=True, text=True, check=True
        )
        self.environment = {
            "LD_PRELOAD": preloaded.stdout.strip(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, seconds: int) -> None:
        """Move the wall time by ``seconds``, forwards or backwards."""
        self._ahead += seconds
        new = self._file.with_suffix(".new")
        new.write_text(f"{self._ahead:+d}s\n")
        new.replace(self._file)


@attrs.define
class Watching:
    """A viewer of numbered lines, and the last number that it has seen."""

    viewer: Viewer
    sender: LineSender
    last: int = -1

    def until(self, number: int) -> None:
        """Read until line ``number``; fails when a line is missing or none comes for ``SECONDS``."""
        while self.last < number:
            seen = [int(event["message"].split()[1]) for event in self.viewer.live_now(SECONDS)]
            first = self.last + 1 if self.last >= 0 else seen[0]
            assert seen == list(range(first, first + len(seen)))
            self.last = seen[-1]


@pytest.fixture
def wall_time(short_directory: Path) -> WallTime:
    return WallTime(short_directory)


@pytest.fixture
def ppl(dsn: str, short_directory: Path, wall_time: WallTime) -> Iterator[PplProcess]:
    """A Ppl that runs under ``wall_time``."""
    yield from running(PplProcess(dsn, short_directory, "one", wall_time.environment))


def test_viewers_see_every_line_at_once_while_the_clock_is_set_back_ten_times_and_forward(
    ppl: PplProcess, wall_time: WallTime
) -> None:
    with ExitStack() as stack:
        watching = []
        for name in ("one", "other"):
            who = ppl.register()
            sender = LineSender(who, name, RATE)
            for fields in ({}, {"batch": "true"}, {"query": f"{name} program:app"}):
                viewer = stack.enter_context(Viewer(ppl.url, who))
                viewer.identify(**fields)
                watching.append(Watching(viewer, sender))
            stack.callback(sender.finish)
            sender.start()
        for step in (0, *[-HOUR] * 10, 12 * HOUR):
            wall_time.set(step)
            for each in watching:
                each.until(each.sender.sent + RATE // 10)
        for each in watching:
            each.sender.stop()
            each.until(each.sender.sent - 1)
    assert "Traceback" not in ppl.text()
