"""The process that groups lines: jobs on standard input, reports on standard output, one JSON object per line.

It is a process of its own because a million lines take a core for two seconds, in which the server must serve others.
The process ends when its input ends, and so when the server ends in any way. It gives way to every other process, and
the kernel kills it first when memory is short.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import psycopg2

from ppl.similar.groups import BARS, Groups
from ppl.similar.job import Job
from ppl.similar.shapes import BACKSLASH, CUT, NEWLINE, Shaper
from ppl.store.connecting.quiet import keep_rows_off_stderr
from ppl.store.events.grouping import MOST_CHARACTERS, GroupingPiece, GroupingReader
from ppl.timezone import utc_text

#: Lines that are shaped together.
_LINES = 2_000

#: Most lines of one statement, which holds their text in memory; where an index finds them, and sorts them each time,
#: most are more. A statement reads while the lines of the one before are shaped.
_MOST_ORDERED, _MOST_FOUND = 4_000, 16_000

#: Events that a statement with a condition looks at, so that what it finds is told soon, however little that is.
_LOOKED_AT = 32_000

#: Seconds between two reports.
_PERIOD = 0.25

#: Most bytes of address space. The libraries take a third of it.
_MOST_MEMORY = 1 << 30

_TIMED_OUT = "57014"

T = TypeVar("T")

TakeShapes = Callable[[list[bytes], list[bytes], list[bytes]], None]


def _messages(text: bytes) -> list[bytes]:
    """The messages of a piece, as :meth:`Shaper.shapes` takes them."""
    if b"\\" in text:
        text = text.replace(b"\\\\", BACKSLASH).replace(b"\\n", NEWLINE)
    messages = text.split(b"\n")
    if max(map(len, messages)) >= MOST_CHARACTERS:
        messages = [each + CUT if _is_cut(each) else each for each in messages]
    return messages


def _is_cut(message: bytes) -> bool:
    # Bytes are counted first: most messages have fewer than a message that is cut has characters.
    return len(message) >= MOST_CHARACTERS and len(message.decode("utf-8", "replace")) >= MOST_CHARACTERS


class _Work:
    """One job under way."""

    def __init__(
        self,
        job: Job,
        reader: GroupingReader,
        threads: Executor,
        shaper: Shaper,
        say: Callable[[dict[str, Any]], None],
    ) -> None:
        self._job, self._reader, self._threads, self._shaper, self._say = job, reader, threads, shaper, say
        self._groups = Groups()
        self._ends = time.monotonic() + job.seconds
        self._reported = time.monotonic()
        self._searched = self._reached = 0
        self._start, self._width = 0, 1
        self._limited: float | None = None

    def run(self) -> None:
        """Group the lines, and report; raises :class:`psycopg2.Error`."""
        job = self._job
        self._limit()
        newest = min(self._reader.newest(job.destination_id), job.before - 1)
        start = self._begin() if job.start is None else job.start
        self._start, self._width = start, max(1, -(-(job.end - start) // BARS))
        stretch = job.stretch(job.after, newest + 1)
        self._say(
            {
                "newest": str(newest),
                "from": utc_text(start),
                "to": utc_text(max(start, job.end)),
                **({"compared_from": utc_text(start - job.compared)} if job.compared else {}),
                "total": sum(slot.count for slot in self._reader.slots(stretch)),
            }
        )
        whole, compared = self._walk(job.after, newest + 1, self._count), False
        if whole and job.compared:
            compared = self._walk(start - job.compared - 1, start, self._compare)
        self._say(
            {**self._groups.report(is_last=True), "searched": self._searched, "done": True}
            | ({"back_to": utc_text(self._reached)} if self._reached else {})
            | {"complete": whole and (compared or not job.compared), "compared": compared}
        )

    def _begin(self) -> int:
        oldest = self._reader.oldest(self._job.destination_id)
        return max(self._job.after + 1, self._job.end if oldest is None else oldest)

    def _limit(self) -> None:
        left = max(0.001, self._ends - time.monotonic())
        # A statement more for each piece would take as long as the piece; its timeout may be a second late.
        if self._limited is None or self._limited - left > 1 or left < 2:
            self._limited = left
            self._reader.limit(left)

    def _walk(self, after: int, before: int, take: TakeShapes) -> bool:
        """Read the events between two ids, exclusive; gives whether all of them were read in time."""
        steps = _ahead(self._threads, self._pieces(after, before), self._reader.cancel)
        try:
            for piece, reached, searched in steps:
                if piece.count:
                    self._shape(piece, take)
                self._reached = reached
                self._report(reached)
                if time.monotonic() > self._ends:
                    return reached <= after + 1
                self._searched += searched
        except psycopg2.Error as error:
            if error.pgcode != _TIMED_OUT:
                raise
            return False
        finally:
            steps.close()
        return True

    def _pieces(self, after: int, before: int) -> Iterator[tuple[GroupingPiece, int, int]]:
        """Each piece, down to which id it reads, and the events of its slot if that is read whole."""
        stretch = self._job.stretch(after, before)
        most = _MOST_ORDERED if stretch.is_ordered else _MOST_FOUND
        # The number of lines bounds what is read where all match, and an index where it finds them.
        is_bounded = self._job.is_everything or not stretch.is_ordered
        for slot in self._reader.slots(stretch):
            first, end = max(slot.lower, after + 1), min(slot.upper, before)
            low = first if is_bounded else end
            while first < end:
                self._limit()
                if low >= end:
                    low = self._reader.after(stretch.destination_id, first, end, _LOOKED_AT)
                piece = self._reader.piece(stretch, low, end, most)
                end = piece.last if piece.count == most else low
                yield piece, end, slot.count if end <= first else 0

    def _shape(self, piece: GroupingPiece, take: TakeShapes) -> None:
        messages = _messages(piece.messages)
        severities, ids = piece.severities.split(b"\n"), piece.ids.split(b"\n")
        for begin in range(0, piece.count, _LINES):
            end = begin + _LINES
            take(self._shaper.shapes(messages[begin:end]), severities[begin:end], ids[begin:end])

    def _count(self, shapes: list[bytes], severities: list[bytes], ids: list[bytes]) -> None:
        begin = 0
        while begin < len(ids):
            bar = self._bar(ids[begin])
            end = len(ids)
            if self._bar(ids[-1]) != bar:
                end = self._end_of(bar, ids, begin)
            self._groups.add(shapes[begin:end], severities[begin:end], ids[begin:end], bar)
            begin = end

    def _bar(self, event_id: bytes) -> int:
        return max(0, min(BARS - 1, (int(event_id) - self._start) // self._width))

    def _end_of(self, bar: int, ids: list[bytes], begin: int) -> int:
        """The index after the last line of ``bar``; lines come newest first."""
        low, high = begin + 1, len(ids)
        while low < high:
            middle = (low + high) // 2
            if self._bar(ids[middle]) == bar:
                low = middle + 1
            else:
                high = middle
        return low

    def _compare(self, shapes: list[bytes], severities: list[bytes], ids: list[bytes]) -> None:
        self._groups.compare(shapes)

    def _report(self, reached: int) -> None:
        now = time.monotonic()
        if now - self._reported >= _PERIOD:
            self._reported = now
            self._say({**self._groups.report(), "searched": self._searched, "back_to": utc_text(reached)})


def _ahead(threads: Executor, source: Iterator[T], cancel: Callable[[], object]) -> Generator[T, None, None]:
    """The elements of ``source``, each of which is made in a thread while the one before it is used.

    ``cancel`` has the thread's statement end, once its result is not wanted any more.
    """
    coming = threads.submit(next, source, None)
    try:
        while (found := coming.result()) is not None:
            coming = threads.submit(next, source, None)
            yield found
    finally:
        if not coming.done():
            cancel()
        with suppress(psycopg2.Error):
            coming.result()


def _say(value: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n")
    sys.stdout.buffer.flush()


def _listen(jobs: SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        jobs.put(line)
    # The server is gone, so nobody waits for a job under way.
    os._exit(0)


def _give_way() -> None:
    os.nice(5)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))


def main() -> None:
    """Do jobs until there is no more input."""
    _give_way()
    # The thread that reads needs the interpreter a few times for each statement, and would wait 5 ms each time.
    sys.setswitchinterval(0.0002)
    # Lines leave no cycles behind, and looking for cycles takes a twentieth of the time.
    gc.disable()
    keep_rows_off_stderr()
    jobs: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=[jobs], daemon=True).start()
    reader: GroupingReader | None = None
    shaper, threads = Shaper(), ThreadPoolExecutor(1)
    while True:
        job = Job.read(jobs.get())
        is_old = reader is not None
        try:
            reader = reader or GroupingReader(job.dsn)
            if is_old and not reader.is_alive():
                # PostgreSQL has been restarted since the last job.
                reader = GroupingReader(job.dsn)
            _Work(job, reader, threads, shaper, _say).run()
        except psycopg2.Error as error:
            # The error's text may hold a customer's line.
            _say({"failed": error.pgcode or "connection"})
            if reader is not None:
                reader.close()
            reader = None
        gc.collect()


if __name__ == "__main__":
    main()
