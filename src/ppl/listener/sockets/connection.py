"""Senders' TCP connections: Twisted's, which read when their destination's share lets them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import perf_counter
from typing import Any

from twisted.internet import tcp
from twisted.internet.interfaces import IProtocolFactory

from ppl.listener.limits.share import Reader, Share
from ppl.services.polling import bound_accepts


class SenderConnection(tcp.Server):  # type: ignore[misc]
    """A connection that was accepted.

    What may not be read now stays with the kernel, which tells of it again in the reactor's next turn.
    """

    share: Share
    reader: Reader

    #: How often it may still be read, while that is counted, and what is called instead of the next read.
    reads_left: int | None = None
    read_too_often: Callable[[], None]

    def doRead(self) -> Any:
        """Twisted: something has come."""
        if not self.share.may_read(self.reader):
            return None
        if self.reads_left is not None:
            if not self.reads_left:
                self.read_too_often()
                return None
            self.reads_left -= 1
        began = perf_counter()
        why = super().doRead()
        self.share.spend(perf_counter() - began)
        return why


class SenderPort(tcp.Port):  # type: ignore[misc]
    """An open TCP port of a destination."""

    transport = SenderConnection

    @classmethod
    def on(cls, listening: socket.socket, factory: IProtocolFactory, reactor: Any) -> SenderPort:
        """On a socket that listens; the caller closes its own."""
        port: SenderPort = cls._fromListeningDescriptor(reactor, listening.fileno(), listening.family, factory)
        port.startListening()
        bound_accepts(port)
        return port
