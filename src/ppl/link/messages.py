"""The messages between listener and server: frozen, and the same on the local and the WebSocket link.

``docs/protocol.rst`` describes them on the wire. ``new_logs`` with one event is written flat, as in the
founding document, with many events as ``{"events": [...]}``; both forms are read.
"""

from __future__ import annotations

import attrs

from ppl.model import Event, Events

# listener → server


@attrs.frozen
class NewLogs:
    """``new_logs``: committed events of one destination, ascending by id.

    Attributes:
        user_id: ``host:port`` of the destination.
        events: the committed events: :class:`Events` on the local link, a tuple of :class:`Event` over the WebSocket.
            Empty when a foreign listener gave no ids: the message then only says that there is something new to read.
    """

    user_id: str
    events: Events | tuple[Event, ...]


@attrs.frozen
class ServerStarted:
    """``server_started``: the port is open."""

    host: str
    port: int


@attrs.frozen
class ServerFailed:
    """``server_failed``: the port could not be opened; the listener keeps trying."""

    host: str
    port: int
    reason: str


@attrs.frozen
class Watching:
    """``watching``: from here on every committed event of ``user_id`` is sent, without a gap.

    Answers ``watch``; also sent after the listener had to leave out events because the server read too slowly. The
    server then reads what it may have missed from the database.
    """

    user_id: str


# server → listener


@attrs.frozen
class StartNewServer:
    """``start_new_server``: open the port of a newly registered client (or report that it is open)."""

    time_zone: str
    host: str
    port: int


@attrs.frozen
class StopServer:
    """``stop_server``: close the port."""

    host: str
    port: int


@attrs.frozen
class Watch:
    """``watch``: send the events of ``user_id``. Before the first ``watch`` a listener sends everything."""

    user_id: str


@attrs.frozen
class Unwatch:
    """``unwatch``: nobody watches ``user_id`` any more."""

    user_id: str


FromListener = NewLogs | ServerStarted | ServerFailed | Watching
FromServer = StartNewServer | StopServer | Watch | Unwatch
Message = FromListener | FromServer
