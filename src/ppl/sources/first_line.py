"""The first line of a connection: it shows how the connection is framed.

:class:`ppl.sources.framing.Framer` hands the first bytes to :class:`FirstLine`, until that tells a :class:`Framing`.
"""

from __future__ import annotations

import enum
import re

from ppl.sources.framing_signs import (
    AFTER_ENDING_LF,
    AFTER_ENDING_NUL,
    COUNTED,
    FIRST_LINE_ENDS,
    LF_OR_NUL,
    LONGEST_HEADER,
    MAY_BE_AFTER_ENDING_LF,
    MAY_BE_COUNTED,
    MAY_BE_ENDING_NUL,
    MAY_BE_PRI,
    NULS,
    OF_A_DAEMON,
    PRI,
)
from ppl.sources.unfinished_line import CompletedLines, UnfinishedLine

_LF, _NUL = 0x0A, 0x00


class Framing(enum.Enum):
    """How the lines of a connection end."""

    UNKNOWN = enum.auto()
    LF = enum.auto()
    NUL = enum.auto()
    COUNTED = enum.auto()


class Patience(enum.Enum):
    """How long to wait for the rest of a line.

    Attributes:
        LONG: as long as the operator says (``--partial-seconds``).
        QUIET: until nothing more has come for a second.
        SHORT: a second.
    """

    LONG = enum.auto()
    QUIET = enum.auto()
    SHORT = enum.auto()


class FirstLine:
    """The first line of a connection, or one of several that have no end at all.

    - A count, a blank and a PRI: the connection counts octets.
    - A line that begins with neither a PRI nor ``{``: lines end with LF.
    - LF ends the line if the line has a header as syslog daemons write it, or begins with ``{``. Otherwise the program
      may be one that ends messages with NUL, and the message a traceback. So its lines wait for what follows: LF and
      another PRI (or a count, or NUL) mean LF; a NUL with another PRI or ``{`` after it means NUL, and they are one
      message. After a second, or beyond the longest line, they are lines.
    - NUL with another PRI or ``{`` after it, or with nothing after it for a second: messages end with NUL.
    - A header within a line that began with a PRI: the sender ends lines with nothing, and another line begins.

    Args:
        line: the unfinished line of the connection.
    """

    __slots__ = ("_begins", "_holds_lf", "_line")

    def __init__(self, line: UnfinishedLine) -> None:
        self._line = line
        # "<", "{", or nothing at the beginning of a line.
        self._begins = b""
        self._holds_lf = False

    def patience(self, rest: bytes) -> Patience:
        """How long to wait for the rest of the line; ``rest`` is what :meth:`feed` left for lack of data."""
        if self._holds_lf or rest.startswith(b"\n"):
            return Patience.SHORT
        if self._begins == b"<" or rest.startswith(b"\0") or (self._begins and self._line.ends_with(b"}")):
            return Patience.QUIET
        return Patience.LONG

    def take_lines(self) -> bytes:
        """The lines that wait, once it is known that LF ends them, without the LF of the last; empty if none waits."""
        if not self._holds_lf:
            return b""
        self._holds_lf = False
        return self._line.take()

    def feed(self, data: bytes, position: int, completed: CompletedLines) -> tuple[int, Framing]:
        """Take bytes of ``data`` from ``position`` on; return the position of those that it leaves, and what is known.

        If lines end with LF, :meth:`take_lines` has lines that come before the bytes that are left.
        """
        start = position
        if not self._begins:
            if found := NULS.match(data, position):
                return found.end(), Framing.UNKNOWN
            if COUNTED.match(data, position):
                return position, Framing.COUNTED
            if MAY_BE_COUNTED.match(data, position) or MAY_BE_PRI.match(data, position):
                return position, Framing.UNKNOWN
            if not PRI.match(data, position) and data[position] != 0x7B:
                return position, Framing.LF
            self._begins = data[position : position + 1]
            position += 1
        while found := self._ends().search(data, position):
            position = found.start()
            if self._is_too_long(position - start):
                return start, Framing.LF
            if data[position] == _LF:
                framing = self._after_lf(data, start, position)
            elif data[position] == _NUL:
                framing = self._after_nul(data, position)
            else:
                return self._complete(data, start, position, completed), Framing.UNKNOWN
            if framing is Framing.LF:
                return start, framing
            if framing is Framing.NUL:
                return self._complete(data, start, position, completed) + 1, framing
            if framing is Framing.UNKNOWN:
                self._line.keep(data[start:position])
                return position, framing
            position += 1
        end = len(data) if self._begins == b"{" else self._end_of_text(data, start, position)
        if self._is_too_long(end - start):
            return start, Framing.LF
        self._line.keep(data[start:end])
        return end, Framing.UNKNOWN

    def finish(self, rest: bytes, completed: CompletedLines) -> Framing:
        """End the line with ``rest``, which :meth:`feed` left for lack of data; return what that shows.

        If lines end with LF, the line and ``rest`` are left.
        """
        if rest.startswith(b"\0"):
            completed.add(self._line.take())
            completed.add(rest[1:])
            return Framing.NUL
        if self._holds_lf or not self._begins or rest.startswith(b"\n"):
            return Framing.LF
        self._complete(rest, 0, len(rest), completed)
        return Framing.UNKNOWN

    def _ends(self) -> re.Pattern[bytes]:
        """What may end the line."""
        return FIRST_LINE_ENDS if self._begins == b"<" and not self._holds_lf else LF_OR_NUL

    def _is_too_long(self, more: int) -> bool:
        """Whether lines wait that would be longer than the longest line with ``more`` bytes."""
        return self._holds_lf and len(self._line) + more > self._line.limit

    def _complete(self, data: bytes, start: int, end: int, completed: CompletedLines) -> int:
        self._line.keep(data[start:end])
        self._begins, self._holds_lf = b"", False
        completed.add(self._line.take())
        return end

    def _after_lf(self, data: bytes, start: int, position: int) -> Framing | None:
        """What the LF at ``position`` shows: ``UNKNOWN`` if that needs more data, ``None`` if it is one of several."""
        if self._begins == b"{" or self._line.is_cut or len(self._line) + position - start > self._line.limit:
            return Framing.LF
        if not self._holds_lf:
            head = self._line.head(LONGEST_HEADER)
            head += data[start : min(position, start + LONGEST_HEADER)]
            if OF_A_DAEMON.match(head):
                return Framing.LF
        if AFTER_ENDING_LF.match(data, position + 1):
            return Framing.LF
        if MAY_BE_AFTER_ENDING_LF.match(data, position + 1):
            return Framing.UNKNOWN
        self._holds_lf = True
        return None

    @staticmethod
    def _after_nul(data: bytes, position: int) -> Framing | None:
        """What the NUL at ``position`` shows, as :meth:`_after_lf`; ``None`` if it is text."""
        if AFTER_ENDING_NUL.match(data, position + 1):
            return Framing.NUL
        if MAY_BE_ENDING_NUL.match(data, position):
            return Framing.UNKNOWN
        return Framing.LF if data[position + 1] == _LF else None

    @staticmethod
    def _end_of_text(data: bytes, start: int, position: int) -> int:
        """The end of what cannot be a part of a header that begins later; the byte before that is one, too."""
        end = len(data)
        possible = data.rfind(b"<", max(position, end - LONGEST_HEADER), end)
        return max(start, possible - 1 if possible >= 0 else end - 1)
