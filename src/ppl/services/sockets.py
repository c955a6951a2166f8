"""Listening sockets that outlive a process: handed over by the service manager, and given to it to keep.

Connections and datagrams that arrive while Ppl restarts wait in the kernel's queue of such a socket instead of being
refused. systemd hands over the sockets of ``.socket`` units (sd_listen_fds(3)) and those that Ppl gave it to keep
(``FDSTORE=1``).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import attrs
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory

from ppl.services.systemd import Manager

_FIRST = 3
#: Prefix of the names of sockets that Ppl gave to be kept; the kind and the port follow.
_OURS = "ppl-"
_KINDS = {socket.SOCK_STREAM: "tcp", socket.SOCK_DGRAM: "udp"}
_BACKLOG = 1024

_Key = tuple[int, int]


@attrs.define(eq=False)
class _Kept:
    """A socket that outlives this process, its name, and whether something in this process listens on it."""

    socket: socket.socket
    name: str
    is_used: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether Ppl made the socket, in this process or an earlier one, and not a ``.socket`` unit."""
        return self.name.startswith(_OURS)


class Sockets:
    """Gives out sockets to listen on: inherited ones where they fit, else new ones, which the manager then keeps.

    Args:
        manager: the service manager, which keeps sockets.
        inherited: the sockets that the manager handed over, with their names.
    """

    _log = Logger()

    def __init__(self, manager: Manager | None = None, inherited: Iterable[tuple[socket.socket, str]] = ()) -> None:
        self._manager = manager or Manager()
        self._kept: dict[_Key, _Kept] = {}
        for each, name in inherited:
            self._kept[each.type, each.getsockname()[1]] = _Kept(each, name)

    def open(self, kind: int, port: int, interface: str) -> socket.socket:
        """A socket bound to ``port``, which listens if its ``kind`` is ``SOCK_STREAM``; the caller closes it.

        A socket of a ``.socket`` unit is used whatever interface it is bound to: the unit decides that.

        Raises:
            CannotListenError: the port cannot be bound.
        """
        kept = self._kept.get((kind, port))
        if kept is not None and kept.is_ours and not _is_bound_to(kept.socket, interface):
            self.release(kind, port)
            kept = None
        if kept is None:
            new = _bound(kind, port, interface)
            if self._manager.address is None or not port:
                return new
            kept = self._kept[kind, port] = _Kept(new, f"{_OURS}{_KINDS[socket.SocketKind(kind)]}-{port}")
            self._manager.tell(f"FDSTORE=1\nFDNAME={kept.name}", new.fileno())
        kept.is_used = True
        return kept.socket.dup()

    def release(self, kind: int, port: int) -> None:
        """Stop keeping Ppl's socket for ``port``, so that connections are refused, also after a restart."""
        kept = self._kept.get((kind, port))
        if kept is not None and kept.is_ours:
            del self._kept[kind, port]
            self._manager.tell(f"FDSTOREREMOVE=1\nFDNAME={kept.name}")
            kept.socket.close()

    def settle(self) -> None:
        """Once everything listens: release unused sockets of an earlier process, and warn of unused units' sockets."""
        for (kind, port), kept in list(self._kept.items()):
            if kept.is_used:
                continue
            if kept.is_ours:
                self.release(kind, port)
            else:
                self._log.warn(
                    "The service manager handed over the socket {name} ({kind} port {port}), on which nothing listens",
                    name=kept.name,
                    kind=_KINDS[socket.SocketKind(kind)],
                    port=port,
                )

    def adopting(self, reactor: Any) -> Any:
        """``reactor``, listening on sockets that :meth:`open` gives."""
        return _Adopting(reactor, self)


class _Adopting:
    """A reactor for Twisted's server endpoints, which takes its sockets from ``sockets``."""

    def __init__(self, reactor: Any, sockets: Sockets) -> None:
        self._reactor, self._sockets = reactor, sockets

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(
        self, port: int, factory: IProtocolFactory, backlog: int = _BACKLOG, interface: str = ""
    ) -> IListeningPort:
        with self._sockets.open(socket.SOCK_STREAM, port, interface) as listening:
            adopted: IListeningPort = self._reactor.adoptStreamPort(listening.fileno(), listening.family, factory)
            return adopted

    def listenSSL(
        self, port: int, factory: IProtocolFactory, contextFactory: Any, backlog: int = _BACKLOG, interface: str = ""
    ) -> IListeningPort:
        return self.listenTCP(port, TLSMemoryBIOFactory(contextFactory, False, factory), backlog, interface)


def initial_environment() -> dict[str, str]:
    """The environment with which this process was started: importing Twisted removes systemd's variables from it."""
    try:
        variables = Path("/proc/self/environ").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return {}
    return {name: value for name, _, value in (each.partition("=") for each in variables)}


def inherited_from(environment: Mapping[str, str]) -> Iterator[tuple[socket.socket, str]]:
    """The sockets that the service manager handed over according to ``environment``, and their names."""
    pid, count = environment.get("LISTEN_PID", ""), environment.get("LISTEN_FDS", "")
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdigit():
        return
    for number in range(int(count)):
        descriptor, name = _FIRST + number, names[number] if number < len(names) else "unknown"
        os.set_inheritable(descriptor, False)
        try:
            found = socket.socket(fileno=descriptor)
        except OSError:
            Sockets._log.warn("The service manager handed over {name}, which is not a socket", name=name)
            continue
        if found.family in (socket.AF_INET, socket.AF_INET6) and found.type in _KINDS:
            found.setblocking(False)
            yield found, name
        else:
            Sockets._log.warn("The service manager handed over {name}, which is not a TCP or UDP socket", name=name)


def _bound(kind: int, port: int, interface: str) -> socket.socket:
    try:
        new = socket.socket(socket.AF_INET6 if ":" in interface else socket.AF_INET, kind)
    except OSError as error:
        raise CannotListenError(interface, port, error) from error
    try:
        new.setblocking(False)
        if kind == socket.SOCK_STREAM:
            new.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        new.bind((interface, port))
        if kind == socket.SOCK_STREAM:
            new.listen(_BACKLOG)
    except OSError as error:
        new.close()
        raise CannotListenError(interface, port, error) from error
    return new


def _is_bound_to(bound: socket.socket, interface: str) -> bool:
    return ip_address(bound.getsockname()[0]) == ip_address(interface or "0.0.0.0")  # noqa: S104 - compared only
