"""A proxy on the link between a listener and its server that can cut, refuse and freeze it, as networks do."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class LinkProxy:
    """Forwards every connection to ``port`` of this machine.

    Attributes:
        port: where it listens.
        refuses: whether new connections are closed at once.
        flows: cleared while nothing is forwarded.
    """

    def __init__(self, port: int) -> None:
        self.refuses = False
        self.flows = threading.Event()
        self.flows.set()
        self._target = port
        self._open: set[socket.socket] = set()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection."""
        for each in list(self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Stop listening and end every connection."""
        self.refuses = True
        self.flows.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.cut()

    def forwarded(self, data: bytes) -> None:
        """Called with all that was forwarded, in either direction, by the thread that did."""

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            try:
                if self.refuses:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            self._open |= {client, server}
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                self.flows.wait()
                target.sendall(data)
                self.forwarded(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._open.discard(source)
        source.close()
