"""A connection whose sender has not sent anything yet."""

from __future__ import annotations

from collections.abc import Callable
from socket import MSG_PEEK, socket
from typing import Any

from twisted.internet.interfaces import IDelayedCall

from ppl.listener.limits.admission import Admission
from ppl.model import Destination

_SILENT = "its connections that never sent anything are closed: half of those allowed are in use"


class Unspoken:
    """Lets a silent connection give way to others, or end after a while; it stops once the sender has :meth:`spoken`.

    Args:
        transport: the TCP connection.
        admission: the admission that counts the connection.
        destination, sender_ip: the destination and the address that the connection counts against.
        end: ends the connection and stops counting it.
        seconds: how long it may stay silent while connections are scarce; otherwise it may wait for ever.
    """

    def __init__(
        self,
        transport: Any,
        admission: Admission,
        destination: Destination,
        sender_ip: str,
        end: Callable[[], None],
        seconds: float,
    ) -> None:
        self._admission = admission
        # Taken before TLS begins, so that it is the kernel's socket.
        self._socket: socket = transport.getHandle()
        self._reactor = transport.reactor
        self._destination, self._sender_ip = destination, sender_ip
        self._end, self._seconds = end, seconds
        self._has_spoken = False
        admission.began(self, sender_ip, destination)
        self._timer: IDelayedCall = self._reactor.callLater(seconds, self._look)

    def spoken(self) -> None:
        """Note that the connection has sent something or has ended. May be called again."""
        if not self._has_spoken:
            self._has_spoken = True
            self._timer.cancel()
            self._admission.spoke(self, self._sender_ip, self._destination)

    def is_silent(self) -> bool:
        """See :class:`~ppl.listener.limits.silence.Silent`."""
        try:
            self._socket.recv(1, MSG_PEEK)
        except BlockingIOError:
            return not self._has_spoken
        except OSError:
            pass
        return False

    def give_way(self) -> None:
        """See :class:`~ppl.listener.limits.silence.Silent`."""
        self.spoken()
        self._end()

    def _look(self) -> None:
        self._timer = self._reactor.callLater(self._seconds, self._look)
        if self._admission.is_crowded(self._destination, self._sender_ip) and self.is_silent():
            self._admission.say_once(self._sender_ip, _SILENT)
            self.give_way()
