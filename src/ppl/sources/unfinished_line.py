"""The lines of one read, and the line that it leaves unfinished: both bounded by the longest line.

Each way of framing adds bytes to the :class:`UnfinishedLine` of its connection, and what it completes to
:class:`CompletedLines`; :class:`ppl.sources.framing.Framer` makes both.
"""

from __future__ import annotations

#: Mark at the end of a line that was cut at the limit; ``{}`` is the limit in bytes.
CUT_MARK = " [cut by Ppl at {} bytes]"

#: Bytes at the end of a line that are not part of it.
TRAILERS = b"\r\n\0"


class UnfinishedLine:
    """The beginning of a line whose end has not come, never longer than the limit.

    Args:
        limit: longer lines are cut and marked.
    """

    __slots__ = ("_kept", "_mark", "is_cut", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._mark = CUT_MARK.format(limit).encode("ascii")
        self._kept = bytearray()
        #: Whether more came than is kept.
        self.is_cut = False

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, part: bytes) -> bool:
        return part in self._kept

    def head(self, length: int) -> bytes:
        """The first ``length`` bytes."""
        return bytes(self._kept[:length])

    def ends_with(self, byte: bytes) -> bool:
        """Whether the last byte that is kept is ``byte``."""
        return self._kept.endswith(byte)

    def keep(self, data: bytes) -> None:
        """Add as much of ``data`` as the limit allows, and remember whether it was cut."""
        room = self.limit - len(self._kept)
        self._kept += data[:room]
        self.is_cut = self.is_cut or len(data) > room

    def take(self) -> bytes:
        """End the line and return it, marked if it was cut."""
        line = bytes(self._kept)
        if self.is_cut:
            line = self._marked(line)
        self._kept.clear()
        self.is_cut = False
        return line

    def completed_by(self, block: bytes) -> bytes:
        """End the line with ``block``, whole lines each ended by LF; return all of them, the long ones cut."""
        if self.is_cut:
            block = self.take() + block[block.index(b"\n") :]
        elif self._kept:
            block = bytes(self._kept) + block
            self._kept.clear()
        return self._within_limit(block) if self._has_long_line(block) else block

    def _has_long_line(self, block: bytes) -> bool:
        """Whether a line of ``block`` is longer than the limit; goes in steps of the limit, not line by line."""
        start, end = 0, len(block)
        while end - start > self.limit + 1:
            newline = block.rfind(b"\n", start, start + self.limit + 1)
            if newline < 0:
                return True
            start = newline + 1
        return False

    def _within_limit(self, block: bytes) -> bytes:
        lines = block.split(b"\n")
        return b"\n".join(
            line if len(line) <= self.limit or self._is_marked(line) else self._marked(line) for line in lines
        )

    def _is_marked(self, line: bytes) -> bool:
        return len(line) <= self.limit + len(self._mark) and line.endswith(self._mark)

    def _marked(self, line: bytes) -> bytes:
        return whole_characters(line[: self.limit]) + self._mark


class CompletedLines:
    """The lines that one read completes, in order: blocks of lines as long as no message comes between them.

    Attributes:
        blocks: lines each ended by LF.
        messages: lines without their trailers; if there are any, there are no blocks.
        count: a bound of the number of lines, for the one who makes only so many of them at once.
    """

    __slots__ = ("blocks", "count", "messages")

    def __init__(self) -> None:
        self.blocks: list[bytes] = []
        self.messages: list[bytes] = []
        self.count = 0

    def add_block(self, block: bytes, count: int) -> None:
        """Add the lines of ``block``, each ended by LF."""
        self.count += count
        if self.messages:
            self.messages += _lines_of(block)
        else:
            self.blocks.append(block)

    def add(self, message: bytes) -> None:
        """Add one message, unless nothing of it remains without its trailers."""
        message = message.rstrip(TRAILERS)
        if message:
            self.count += 1
            if self.blocks:
                self.messages += _lines_of(b"".join(self.blocks))
                self.blocks.clear()
            self.messages.append(message)


def _lines_of(block: bytes) -> list[bytes]:
    return [line for each in block.split(b"\n") if (line := each.rstrip(TRAILERS))]


def whole_characters(data: bytes) -> bytes:
    """``data`` without an incomplete UTF-8 sequence at its end."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte < 0x80:
            return data
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-back] if back < length else data
    return data
