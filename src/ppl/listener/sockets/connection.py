"""Senders' TCP connections: Twisted's, made to read only when their destination's share allows."""

from __future__ import annotations

import socket
from collections.abc import Callable
from time import perf_counter
from typing import Any

from twisted.internet import tcp
from twisted.internet.interfaces import IProtocolFactory

from ppl.listener.limits.turn_share import Share, SharedReader
from ppl.services.polling import bound_accepts


class SenderConnection(tcp.Server):  # type: ignore[misc]
    """An accepted connection.

    Data that may not be read now stays in the kernel, which reports it again in the reactor's next turn.
    """

    share: Share
    reader: SharedReader

    #: Reads that are left (``None``: not counted), and what is called when none is left.
    reads_left: int | None = None
    read_too_often: Callable[[], None]

    def doRead(self) -> Any:
        """Twisted: data has arrived."""
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
        """A port on a copy of the socket ``listening``; the caller closes the original."""
        port: SenderPort = cls._fromListeningDescriptor(reactor, listening.fileno(), listening.family, factory)
        port.startListening()
        bound_accepts(port)
        return port
