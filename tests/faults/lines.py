"""A sender of plain lines over TCP, which only the kernel acknowledges."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from itertools import accumulate, takewhile
from pathlib import Path

from tests.fixtures.running import Registered, eventually

_LISTEN_BACK = 60.0


class LineSender(threading.Thread):
    """Writes lines ``<name> <number>`` over one connection until :meth:`finish`.

    Args:
        who: the account to send to.
        name: the lines' first word.
        rate: lines a second; ``None``: as many as the connection takes.
        tls: send over TLS.
        first: number of the first line.

    Attributes:
        who, name, first: as given.
        sent: number of the next line; all before it are written whole.
        begun: lines with this number or a higher one are not even begun.
        written: bytes written.
        ended: whether Ppl ended the connection first.
    """

    def __init__(
        self,
        who: Registered,
        name: str,
        rate: float | None = 500,
        tls: ssl.SSLContext | None = None,
        first: int = 0,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.first = self.sent = self.begun = first
        self.written = 0
        self.ended = False
        self.who = who
        self._rate = rate
        self._finishing = threading.Event()
        self._socket: socket.socket = socket.create_connection((who.host, who.port), timeout=_LISTEN_BACK)
        self._addresses = self._socket.getsockname(), self._socket.getpeername()
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket)

    def run(self) -> None:
        """Write lines; the body of the thread."""
        began = time.monotonic()
        try:
            while not self._finishing.is_set():
                due = self.sent + 1000
                if self._rate is not None:
                    due = self.first + int((time.monotonic() - began) * self._rate)
                if due > self.sent:
                    self._write(due)
                if self._rate is not None:
                    self._finishing.wait(0.01)
        except OSError:
            self.ended = True

    def _write(self, due: int) -> None:
        self.begun = due
        data = memoryview(b"".join(map(self._line, range(self.sent, due))))
        while data:
            written = self._socket.send(data)
            self.written += written
            data = data[written:]
        self.sent = due

    def _line(self, number: int) -> bytes:
        return f"<13>1 - h app - - - {self.name} {number}\n".encode()

    def lines_in(self, size: int) -> int:
        """How many whole lines the first ``size`` bytes hold."""
        ends = accumulate(len(self._line(number)) for number in range(self.first, self.sent + 1000))
        return sum(1 for _ in takewhile(lambda end: end <= size, ends))

    def stop(self) -> None:
        """Write no more, and stay connected."""
        self._finishing.set()
        self.join(_LISTEN_BACK)
        assert not self.is_alive(), "the connection takes no more"

    def finish(self) -> None:
        """Write no more, close in order, and wait until Ppl has closed too."""
        self.stop()
        self.ended = self.ended or self._has_heard_the_end()
        if not self.ended:
            if isinstance(self._socket, ssl.SSLSocket):
                self._socket = self._socket.unwrap()
            self._socket.shutdown(socket.SHUT_WR)
            while self._socket.recv(4096):
                pass
        self._socket.close()

    def _has_heard_the_end(self) -> bool:
        """Whether Ppl has begun to close the connection; it may never read what it had not read by then."""
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(4096)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(_LISTEN_BACK)

    def abandon(self) -> None:
        """Close the connection at once."""
        self._finishing.set()
        self.join(_LISTEN_BACK)
        self._socket.close()

    def taken(self) -> int:
        """Bytes that the receiver has certainly read by now; it may have read more, as much as the kernel held."""
        # First what has arrived, then what still waits: bytes that come in between are not counted as read.
        acknowledged: int = struct.unpack_from(
            "Q", self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 120
        )[0]
        return acknowledged - 1 - self._unread()  # one for the SYN

    def wait_until_taken(self) -> None:
        """Wait until the receiver has read everything."""
        eventually(lambda: self.taken() == self.written, "all bytes read by the receiver", 60)

    def wait_until_stalled(self) -> int:
        """Wait until the receiver does not read and the connection is full; returns how many bytes it has read."""
        last: list[tuple[int, int]] = [(-1, -1)] * 20

        def is_still() -> bool:
            last[:] = [*last[1:], (self.written, self._unread())]
            return len(set(last)) == 1

        eventually(is_still, "a receiver that reads no more", 60)
        return self.taken()

    def _unread(self) -> int:
        """Bytes that the kernel holds for the receiver (``rx_queue`` of proc_net_tcp(5))."""
        mine, theirs = (_hexadecimal(*address[:2]) for address in self._addresses)
        for line in Path("/proc/net/tcp").read_text().splitlines():
            words = line.split()
            if words[1:3] == [theirs, mine]:
                return int(words[4].partition(":")[2], 16)
        return 0


def _hexadecimal(host: str, port: int) -> str:
    return f"{int.from_bytes(socket.inet_aton(host), 'little'):08X}:{port:04X}"
