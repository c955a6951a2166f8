"""Turns the link's messages into WebSocket text frames and back, in the form that ``docs/protocol.rst`` describes.

:func:`encode` gives frames of bounded size; :func:`decode_from_listener` and :func:`decode_from_server` check every
field, and look event names up in a table: input from the network never names the code that runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ppl.errors import ProtocolError
from ppl.link.messages import (
    FromListener,
    FromServer,
    Message,
    NewLogs,
    ServerFailed,
    ServerStarted,
    StartNewServer,
    StopServer,
    Unwatch,
    Watch,
    Watching,
)
from ppl.model import Event, Events
from ppl.timezone import parse_time_zone
from ppl.wire import link_event, read_link_event

#: Bytes of JSON after which a ``new_logs`` continues in another frame.
FRAME_BYTES = 1 << 20


class LinkNotJson(ProtocolError):
    """A frame is not a JSON object with an event and data."""

    code = "not_json"


class LinkUnknownEvent(ProtocolError):
    """The link has no such event in this direction."""

    code = "unknown_event"


class LinkBadData(ProtocolError):
    """An event's data lacks a field or has one of the wrong type."""

    code = "bad_data"


def encode(message: Message) -> Iterator[str]:
    """The text frames that carry ``message``: one, or several for many events.

    A ``NewLogs`` should hold :class:`~ppl.model.Events`, which know their destination's zone; a tuple of events is
    written in UTC.
    """
    match message:
        case NewLogs(user_id, events):
            yield from _encode_new_logs(user_id, events)
        case StartNewServer(time_zone, host, port):
            yield _frame("start_new_server", {"timeZone": time_zone, "host": host, "port": port})
        case StopServer(host, port):
            yield _frame("stop_server", {"host": host, "port": port})
        case ServerStarted(host, port):
            yield _frame("server_started", {"host": host, "port": port})
        case ServerFailed(host, port, reason):
            yield _frame("server_failed", {"host": host, "port": port, "reason": reason})
        case Watch(user_id):
            yield _frame("watch", {"user_id": user_id})
        case Unwatch(user_id):
            yield _frame("unwatch", {"user_id": user_id})
        case Watching(user_id):
            yield _frame("watching", {"user_id": user_id})


def encode_error(error: ProtocolError) -> str:
    """The ``error`` frame that answers a frame which cannot be read."""
    return _frame("error", error.fields)


def _encode_new_logs(user_id: str, events: Events | Iterable[Event]) -> Iterator[str]:
    zone = parse_time_zone(events.destination.time_zone if isinstance(events, Events) else "UTC")
    texts = [json.dumps(link_event(event, user_id, zone), ensure_ascii=False) for event in events]
    if len(texts) == 1:
        yield f'{{"event": "new_logs", "data": {texts[0]}}}'
        return
    start, size = 0, 0
    for index, text in enumerate(texts):
        # UTF-8 takes at most four bytes per character.
        size += 4 * len(text)
        if size > FRAME_BYTES and index > start:
            yield _many(texts[start:index])
            start, size = index, 4 * len(text)
    if texts[start:]:
        yield _many(texts[start:])


def _many(texts: list[str]) -> str:
    return f'{{"event": "new_logs", "data": {{"events": [{", ".join(texts)}]}}}}'


def _frame(event: str, data: Mapping[str, object]) -> str:
    return json.dumps({"event": event, "data": data}, ensure_ascii=False)


# Reading


def decode_from_listener(text: str) -> list[FromListener]:
    """The messages of a frame that a listener sent; events of several destinations become several messages.

    Raises:
        ProtocolError: the frame is not a valid message of a listener.
    """
    name, data = _open(text)
    if name == "new_logs":
        return list(_read_new_logs(data))
    reader = _FROM_LISTENER.get(name)
    if reader is None:
        raise LinkUnknownEvent("A listener may not send this event.", name)
    return [reader(name, data)]


def decode_from_server(text: str) -> list[FromServer]:
    """The message of a frame that a server sent. Raises :class:`~ppl.errors.ProtocolError`."""
    name, data = _open(text)
    reader = _FROM_SERVER.get(name)
    if reader is None:
        raise LinkUnknownEvent("A server may not send this event.", name)
    return [reader(name, data)]


def is_error(text: str) -> bool:
    """Whether the frame is the other side's ``error``: it is logged, never answered."""
    try:
        return _open(text)[0] == "error"
    except ProtocolError:
        return False


def _open(text: str) -> tuple[str, Mapping[str, Any]]:
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LinkNotJson("The frame is not JSON.") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("event"), str):
        raise LinkNotJson("The frame is not a JSON object with an event.")
    data = frame.get("data", {})
    if not isinstance(data, dict):
        raise LinkBadData("The event's data is not an object.", frame["event"])
    return frame["event"], data


def _read_new_logs(data: Mapping[str, Any]) -> Iterator[NewLogs]:
    many = data.get("events", [data])
    if not isinstance(many, list) or not all(isinstance(each, dict) for each in many):
        raise LinkBadData("The events are not a list of objects.", "new_logs")
    gathered: dict[str, list[Event]] = {}
    without_id: set[str] = set()
    for each in many:
        user_id, event = read_link_event(each)
        if event is None:
            without_id.add(user_id)
        else:
            gathered.setdefault(user_id, []).append(event)
    for user_id, events in gathered.items():
        yield NewLogs(user_id, tuple(events))
    for user_id in without_id:
        yield NewLogs(user_id, ())


def _text(name: str, data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if not isinstance(value, str) or not value or len(value) > 1000:
        raise LinkBadData(f"The field {field} must be a string of 1 to 1000 characters.", name)
    return value


def _port(name: str, data: Mapping[str, Any]) -> int:
    value = data.get("port")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 65535:
        raise LinkBadData("The port must be a number from 1 to 65535.", name)
    return value


_FROM_LISTENER: dict[str, Callable[[str, Mapping[str, Any]], FromListener]] = {
    "server_started": lambda name, data: ServerStarted(_text(name, data, "host"), _port(name, data)),
    "server_failed": lambda name, data: ServerFailed(
        _text(name, data, "host"), _port(name, data), _text(name, data, "reason") if "reason" in data else "unknown"
    ),
    "watching": lambda name, data: Watching(_text(name, data, "user_id")),
}

_FROM_SERVER: dict[str, Callable[[str, Mapping[str, Any]], FromServer]] = {
    "start_new_server": lambda name, data: StartNewServer(
        _text(name, data, "timeZone"), _text(name, data, "host"), _port(name, data)
    ),
    "stop_server": lambda name, data: StopServer(_text(name, data, "host"), _port(name, data)),
    "watch": lambda name, data: Watch(_text(name, data, "user_id")),
    "unwatch": lambda name, data: Unwatch(_text(name, data, "user_id")),
}
