"""Octet counting (RFC 6587 section 3.4.1), also by senders that count wrong.

:class:`ppl.sources.framing.Framer` hands a connection on to :class:`Counting` once it counts.
"""

from __future__ import annotations

from ppl.sources.framing_signs import (
    BETWEEN,
    COUNT,
    COUNTED,
    LONGEST_MAY_BE_COUNTED,
    MAY_BE_COUNT,
    MAY_BE_COUNTED,
    RESUMES,
)
from ppl.sources.unfinished_line import CompletedLines, UnfinishedLine

# The shortest message with a PRI has so many octets, and a sender that counts wrong still counts as many.
_SHORTEST = 4


class Counting:
    """The state of a connection that counts octets.

    Bytes that are no count where one should be are a line, up to LF or to where a count and a PRI stand. The octets of
    one message that a wrong count left over may end in digits, which then look like a part of the next count: ``1`` and
    ``59 <11>…`` is ``159 <11>…``. So a message ends early where exactly one of the shorter counts (59 or 9) leads to
    another count and PRI; the digit is a line of its own.

    Args:
        line: the unfinished line of the connection.
        most: most lines of one :meth:`feed`.
    """

    __slots__ = ("_checks", "_count", "_has_lost_step", "_in_garbage", "_line", "_missing", "_most")

    def __init__(self, line: UnfinishedLine, most: int) -> None:
        self._line = line
        self._most = most
        # Octets of the message still to come; ``None`` between messages.
        self._missing: int | None = None
        # The count of the message, as it was read.
        self._count = b""
        # Octets still to come where a shorter count would end the message, the next place last.
        self._checks: list[int] = []
        self._in_garbage = False
        # After such bytes, unless LF ended them, only what has a PRI is taken for a count.
        self._has_lost_step = False

    def feed(self, data: bytes, position: int, completed: CompletedLines) -> int:
        """Take bytes of ``data`` from ``position`` on; return the position of those that need more data or a turn."""
        end, line = len(data), self._line
        while position < end and completed.count < self._most:
            if self._missing is not None:
                before = position
                position = self._content(data, position, self._missing, completed)
                if self._missing and position in {before, end}:
                    return position
            elif self._in_garbage:
                position = self._garbage(data, position, completed)
                if self._in_garbage:
                    return position
            elif found := (COUNTED if self._has_lost_step else COUNT).match(data, position):
                start = found.end()
                count = int(found[1])
                position = start + count
                # A message that is cut, or within which a count may stand, is taken in steps.
                if position > end or count > line.limit or data.find(b" <", start + 1, position) >= 0:
                    position = start
                    self._begin(found[1], count)
                else:
                    completed.add(data[start:position])
            elif between := BETWEEN.match(data, position):
                # Some senders end a counted message with LF and do not count it.
                position = between.end()
            elif (MAY_BE_COUNTED if self._has_lost_step else MAY_BE_COUNT).match(data, position):
                return position
            else:
                self._in_garbage = self._has_lost_step = True
        return position

    def finish(self, rest: bytes, completed: CompletedLines) -> None:
        """End the unfinished message with ``rest``, which was left for lack of data; what follows is another line."""
        self._line.keep(rest)
        completed.add(self._line.take())
        if self._missing is not None:
            self._missing -= len(rest)
            self._checks = [check for check in self._checks if check <= self._missing]

    def _begin(self, digits: bytes, count: int) -> None:
        self._count, self._missing = digits, count
        shorter = {int(digits[start:]) for start in range(1, len(digits)) if digits[start] != 0x30}
        self._checks = sorted(count - each for each in shorter if _SHORTEST <= each < count)

    def _content(self, data: bytes, position: int, missing: int, completed: CompletedLines) -> int:
        """Take octets of a message."""
        end = len(data)
        while self._checks:
            there = position + missing - self._checks[-1]
            if there >= end:
                self._line.keep(data[position:])
                self._missing = missing - (end - position)
                return end
            self._line.keep(data[position:there])
            self._missing = missing = self._checks[-1]
            position = there
            if COUNTED.match(data, position, position + missing):
                self._has_lost_step = True
                completed.add(self._count[: -len(str(int(self._count) - missing))])
                self._missing, self._checks = 0, []
                return position
            if end - position < missing and MAY_BE_COUNTED.match(data, position):
                return position
            self._checks.pop()
        take = min(missing, end - position)
        self._line.keep(data[position : position + take])
        position += take
        if take == missing:
            return self._complete(position, completed)
        self._missing = missing - take
        return position

    def _complete(self, position: int, completed: CompletedLines) -> int:
        self._missing, self._checks = None, []
        completed.add(self._line.take())
        return position

    def _garbage(self, data: bytes, position: int, completed: CompletedLines) -> int:
        """Take bytes where a count should be as a line; where it ends, a count is expected again."""
        found = RESUMES.search(data, position)
        if found:
            self._line.keep(data[position : found.start()])
            self._in_garbage = False
            self._has_lost_step = data[found.start()] != 0x0A
            completed.add(self._line.take())
            return found.start()
        may_be = MAY_BE_COUNTED.search(data, max(position, len(data) - LONGEST_MAY_BE_COUNTED))
        end = may_be.start() if may_be else len(data)
        self._line.keep(data[position:end])
        return end
