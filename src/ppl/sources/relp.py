"""The server's side of RELP, sans I/O: frames in, syslog messages and responses out.

It follows doc/relp.md of rsyslog's librelp. A frame is ``TXNR SP COMMAND SP DATALEN [SP DATA] LF``. Each
command is answered once, in the order of receipt; ``syslog`` only when :meth:`Relp.acknowledge` says that its message
is durable.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Set

#: The beginning of a session, and bytes that may still become it; see :mod:`ppl.sources.known`.
OPENING = re.compile(rb"[0-9]{1,9} open ")
MAY_OPEN = re.compile(rb"[0-9]{1,9}(?: (?:o(?:p(?:en?)?)?)?)?")

#: Relp version 1 has a data length of at most 128 KiB (relp.md, "RELP FRAME"); a longer limit for lines raises it.
LEAST_MAX_DATA = 131_072

#: Most commands of one :meth:`Relp.feed`.
MOST_COMMANDS = 2048

_HEADER = re.compile(rb"([0-9]{1,9}) ([A-Za-z]{1,32}) ([0-9]{1,9})([ \n])")
_LONGEST_HEADER = 53
_OFFERS = b"200 OK\nrelp_version=%d\nrelp_software=ppl\ncommands=syslog"
_VERSION = re.compile(rb"^relp_version=([0-9]{1,9})", re.MULTILINE)
_SERVERCLOSE = b"0 serverclose 0\n"


class RelpError(Exception):
    """The peer does not speak RELP: the connection must be closed (relp.md, "ERROR HANDLING").

    Attributes:
        messages: messages that the same read completed before the fault; to be acknowledged like any other.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.messages: list[bytes] = []


class Relp:
    """One RELP session.

    Attributes:
        closed: the client said ``close`` and has its answer, so the connection may end.
        has_more: commands wait for the next :meth:`feed`, with or without data; there were too many for one.
    """

    def __init__(self, max_data: int) -> None:
        self.closed = self.has_more = False
        self._most = max(max_data, LEAST_MAX_DATA)
        self._buffer = bytearray()
        self._needed = 0
        self._output: list[bytes] = []
        self._opened = self._closing = False
        # Transactions that wait for their commit, and answers that wait for those before them.
        self._pending: deque[int | bytes] = deque()

    @property
    def pending(self) -> int:
        """How many commands are not answered yet."""
        return len(self._pending)

    @property
    def held(self) -> int:
        """Bytes that were fed but not understood yet."""
        return len(self._buffer)

    def discard(self) -> None:
        """Forget the bytes that are not understood yet; nothing more may be fed."""
        self._buffer.clear()
        self.has_more = False

    def feed(self, data: bytes) -> list[bytes]:
        """Take the ``data`` of one read; return the syslog messages that it completes, each to be acknowledged.

        Raises:
            RelpError: the peer does not speak RELP.
        """
        messages: list[bytes] = []
        self._buffer += data
        if len(self._buffer) < self._needed:
            return messages
        self._needed = 0
        self.has_more = False
        buffer = bytes(self._buffer)
        position = count = 0
        try:
            while position < len(buffer):
                if count == MOST_COMMANDS:
                    self.has_more = True
                    break
                count += 1
                header = _HEADER.match(buffer, position)
                if header is None:
                    self._check_header(buffer[position : position + _LONGEST_HEADER])
                    break
                length = int(header[3])
                if length > self._most:
                    raise RelpError(f"a frame of {length} bytes is longer than {self._most}")
                # Without data there is no blank before the LF, though some clients write one.
                start = header.end() if header[4] == b" " else header.end() - 1
                end = start + length
                if end >= len(buffer):
                    # The frame is looked at again only when it is whole, however small the reads are.
                    self._needed = end + 1 - position
                    break
                if buffer[end] != 10:
                    raise RelpError("a frame does not end with LF")
                position = end + 1
                self._command(int(header[1]), header[2], buffer[start:end], messages)
        except RelpError as error:
            error.messages = messages
            raise
        finally:
            del self._buffer[:position]
        return messages

    def acknowledge(self, count: int, refused: Set[int] = frozenset()) -> None:
        """Answer the oldest ``count`` messages as durable, and those at the ``refused`` positions as not taken."""
        pending = self._pending
        position = 0
        while position < count:
            first = pending.popleft()
            if isinstance(first, int):
                self._output.append(_response(first, b"500 not taken" if position in refused else b"200 OK"))
                position += 1
            else:
                self._answer(first)
        while pending and isinstance(pending[0], bytes):
            self._answer(pending.popleft())  # type: ignore[arg-type]

    def hint_close(self) -> None:
        """Tell the client that the server is about to close (hint command ``serverclose``)."""
        self._output.append(_SERVERCLOSE)

    def take_output(self) -> bytes:
        """The bytes to write now."""
        output, self._output = b"".join(self._output), []
        return output

    @staticmethod
    def _check_header(start: bytes) -> None:
        if len(start) >= _LONGEST_HEADER or b"\n" in start or not re.fullmatch(rb"[0-9A-Za-z ]*", start):
            raise RelpError("a frame has no header")

    def _command(self, transaction: int, command: bytes, data: bytes, messages: list[bytes]) -> None:
        if self._closing:
            raise RelpError("a command follows close")
        if transaction == 0:
            return  # a hint: it has no answer, and no known hint concerns a server
        if command == b"open":
            version = _VERSION.search(data)
            if version is None:
                raise RelpError("open does not offer relp_version")
            self._opened = True
            self._say(_response(transaction, _OFFERS % min(int(version[1]), 1)))
        elif not self._opened:
            raise RelpError("a command comes before open")
        elif command == b"syslog":
            self._pending.append(transaction)
            messages.append(data)
        elif command == b"close":
            self._closing = True
            self._say(b"%d rsp 0\n" % transaction + _SERVERCLOSE)
        else:
            self._say(_response(transaction, b"500 unknown command"))

    def _say(self, answer: bytes) -> None:
        """Answer, but not before the commands that came earlier."""
        if self._pending:
            self._pending.append(answer)
        else:
            self._answer(answer)

    def _answer(self, answer: bytes) -> None:
        self._output.append(answer)
        if self._closing and not self._pending:
            self.closed = True


def _response(transaction: int, data: bytes) -> bytes:
    return b"%d rsp %d %s\n" % (transaction, len(data), data)
