"""Splits a TCP stream into syslog messages: both framings of RFC 6587, detected for each connection.

:class:`Framer` takes the bytes of a socket and returns whole lines, whatever they contain. The listener feeds it and
hands its :class:`Frames` to :func:`ppl.sources.message.parse_message`.
"""

from __future__ import annotations

import re
import sys

import attrs

#: Mark at the end of a line that was cut at the limit; ``{}`` is the limit in bytes.
CUT_MARK = " [cut by Ppl at {} bytes]"

_COUNT = re.compile(rb"([1-9][0-9]{0,8}) ")
_COUNTED_START = re.compile(rb"[1-9][0-9]{0,8} <")
_MAY_BE_COUNTED = re.compile(rb"[1-9][0-9]{0,8}(?: |$)\Z|[1-9][0-9]{0,8}\Z")
_LONGEST_COUNT = 10
_TRAILERS = b"\r\n\0"
_BETWEEN = re.compile(rb"[\r\n\0]+")


@attrs.frozen
class Frames:
    """The lines that one read completed.

    Attributes:
        block: lines each ended by LF, as received (CR, NUL and empty lines included); the usual, fast form.
        messages: octet-counted messages, which may hold LF; trailers removed.
    """

    block: bytes = b""
    messages: tuple[bytes, ...] = ()


class Framer:
    """One connection's framing.

    The first bytes decide (RFC 6587 section 3.4): a count, a blank and ``<`` mean octet counting, all else means lines
    that end with LF. Memory is bounded by ``max_line_bytes`` and one read; each byte is looked at once.

    Args:
        max_line_bytes: longer lines are cut and marked.
        most_lines: most lines of one :meth:`feed`; the others wait for its next call, with or without data.
        counted: whether octets are counted; ``None``: the first bytes decide.
    """

    def __init__(self, max_line_bytes: int, most_lines: int | None = None, *, counted: bool | None = None) -> None:
        self._limit = max_line_bytes
        self._most = sys.maxsize if most_lines is None else most_lines
        # Data that was fed and waits for the next call.
        self._rest = b""
        self._mark = CUT_MARK.format(max_line_bytes).encode("ascii")
        self._counted = counted
        # The beginning of the unfinished line or message, never longer than the limit.
        self._kept = bytearray()
        self._cut = False
        # Octets of the counted message still to come; ``None`` between messages.
        self._missing: int | None = None
        # Within a counted stream: whether bytes that are not a count run on, up to the next LF.
        self._in_garbage = False

    @property
    def has_more(self) -> bool:
        """Whether lines wait for the next :meth:`feed`."""
        return bool(self._rest)

    @property
    def held(self) -> int:
        """Bytes of the unfinished line or message."""
        return len(self._kept)

    def feed(self, data: bytes) -> Frames:
        """Take the ``data`` of one read; return the lines that it completes."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        if self._counted is None:
            data = bytes(self._kept) + data
            self._kept.clear()
            if _COUNTED_START.match(data):
                self._counted = True
            elif len(data) <= _LONGEST_COUNT and _MAY_BE_COUNTED.match(data):
                self._kept += data
                return Frames()
            else:
                self._counted = False
        return self._feed_counted(data) if self._counted else Frames(block=self._feed_lines(data))

    def finish(self) -> Frames:
        """The unfinished line as a line of its own, once the connection has ended and no line waits."""
        return self.flush()

    def flush(self) -> Frames:
        """The unfinished line as a line of its own; the rest of it, when it comes, will be another line."""
        if self._counted is None:
            self._counted = False
        kept = self._take_line()
        if self._counted:
            kept = kept.rstrip(_TRAILERS)
            return Frames(messages=(kept,)) if kept else Frames()
        return Frames(block=kept + b"\n") if kept else Frames()

    # Newline-terminated (RFC 6587 section 3.4.2)

    def _feed_lines(self, data: bytes) -> bytes:
        if len(data) > self._most and data.count(b"\n") > self._most:
            # This many bytes hold at most this many lines.
            data, self._rest = data[: self._most], data[self._most :]
        end = data.rfind(b"\n") + 1
        if not end:
            self._keep(data)
            return b""
        if self._cut:
            first = data.index(b"\n")
            block = self._take_line() + data[first:end]
        else:
            block = bytes(self._kept) + data[:end]
            self._kept.clear()
        self._keep(data[end:])
        return self._within_limit(block) if self._has_long_line(block) else block

    def _has_long_line(self, block: bytes) -> bool:
        """Whether a line of ``block`` is longer than the limit; goes in steps of the limit, not line by line."""
        start, end = 0, len(block)
        while end - start > self._limit + 1:
            newline = block.rfind(b"\n", start, start + self._limit + 1)
            if newline < 0:
                return True
            start = newline + 1
        return False

    def _within_limit(self, block: bytes) -> bytes:
        lines = block.split(b"\n")
        return b"\n".join(
            line if len(line) <= self._limit or self._is_marked(line) else self._marked(line) for line in lines
        )

    def _is_marked(self, line: bytes) -> bool:
        return len(line) <= self._limit + len(self._mark) and line.endswith(self._mark)

    def _keep(self, data: bytes) -> None:
        """Add to the unfinished line as much as the limit allows, and remember whether it was cut."""
        room = self._limit - len(self._kept)
        self._kept += data[:room]
        self._cut = self._cut or len(data) > room

    def _take_line(self) -> bytes:
        """End the unfinished line and return it, marked if it was cut."""
        line = bytes(self._kept)
        if self._cut:
            line = self._marked(line)
        self._kept.clear()
        self._cut = False
        return line

    def _marked(self, line: bytes) -> bytes:
        return _whole_characters(line[: self._limit]) + self._mark

    # Octet-counted (RFC 6587 section 3.4.1)

    def _feed_counted(self, data: bytes) -> Frames:
        messages: list[bytes] = []
        if self._missing is None and not self._in_garbage and self._kept:
            # The read before ended within the count.
            data = bytes(self._kept) + data
            self._kept.clear()
        position, end = 0, len(data)
        while position < end and len(messages) < self._most:
            if self._missing is not None:
                take = min(self._missing, end - position)
                self._keep(data[position : position + take])
                self._missing -= take
                position += take
                if not self._missing:
                    self._missing = None
                    self._add(messages, self._take_line())
            elif self._in_garbage:
                position = self._garbage(data, position, messages)
            elif between := _BETWEEN.match(data, position):
                # Some senders end a counted message with LF and do not count it.
                position = between.end()
            else:
                found = _COUNT.match(data, position)
                if found:
                    position = found.end()
                    self._missing = int(found[1])
                elif end - position < _LONGEST_COUNT and data[position:].isdigit():
                    self._kept += data[position:]
                    position = end
                else:
                    self._in_garbage = True
        self._rest = data[position:]
        return Frames(messages=tuple(messages))

    def _garbage(self, data: bytes, position: int, messages: list[bytes]) -> int:
        """Take bytes where a count should be as a line, up to the next LF; after it a count is expected again."""
        newline = data.find(b"\n", position)
        if newline < 0:
            self._keep(data[position:])
            return len(data)
        self._keep(data[position:newline])
        self._in_garbage = False
        self._add(messages, self._take_line())
        return newline + 1

    @staticmethod
    def _add(messages: list[bytes], message: bytes) -> None:
        message = message.rstrip(_TRAILERS)
        if message:
            messages.append(message)


def whole_message(message: bytes, max_line_bytes: int) -> bytes:
    """``message`` of a known length (from a datagram or a RELP frame), as :class:`Framer` would give it."""
    if len(message) > max_line_bytes:
        return _whole_characters(message[:max_line_bytes]) + CUT_MARK.format(max_line_bytes).encode("ascii")
    return message.rstrip(_TRAILERS)


def _whole_characters(data: bytes) -> bytes:
    """``data`` without an incomplete UTF-8 sequence at its end."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte < 0x80:
            return data
        if byte >= 0xC0:
            length = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-back] if back < length else data
    return data
