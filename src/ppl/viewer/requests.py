"""Reads a viewer's text frames as frozen, checked requests. Nothing here trusts the network."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ppl.errors import ProtocolError
from ppl.live.filtering import Filter
from ppl.search.columns import read_columns
from ppl.search.errors import QueryError
from ppl.viewer import errors

#: Reads a query in the account's time zone, as of now; ``None`` if it matches all events. Raises ``QueryError``.
ReadQuery = Callable[[str], Filter | None]

DEFAULT_PORTION = 100
_MOST_DIGITS = 16
_LONGEST_USER_ID = 300


@attrs.frozen
class SendUserData:
    """``send_user_data``: the destination, and how to watch it.

    Attributes:
        user_id: ``host:port``.
        sender_ip: the only sender to show, ``None`` for all.
        portion: events in one portion of history.
        batch: whether many live events may share a frame.
        since: the id after which all events are wanted, ``None`` for the newest portion.
        filter: the filter that events must match, ``None`` for all events.
        columns: the fields whose values each event carries.
    """

    user_id: str
    sender_ip: str | None
    portion: int
    batch: bool
    since: int | None
    filter: Filter | None = None
    columns: tuple[str, ...] = ()


@attrs.frozen
class GetLogs:
    """``get_logs``: events older than those sent, or in the range of ``before`` and ``after`` (ids, exclusive)."""

    before: int | None = None
    after: int | None = None


@attrs.frozen
class Pause:
    """``pause_live_update``."""


@attrs.frozen
class Resume:
    """``resume_live_update``."""


@attrs.frozen
class CancelSearch:
    """``cancel_search``: end the search under way."""


ViewerRequest = SendUserData | GetLogs | Pause | Resume | CancelSearch


def read_request(payload: bytes, max_portion: int, read_query: ReadQuery) -> ViewerRequest:
    """Read the request of one frame; raises :class:`~ppl.errors.ProtocolError` with the code to answer."""
    try:
        frame = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise errors.NotJson("The frame is not JSON.") from error
    if not isinstance(frame, dict) or not isinstance(frame.get("event"), str):
        raise errors.BadEnvelope('A frame must be {"event": "<name>", "data": {…}}.')
    event = frame["event"]
    if event not in _EVENTS:
        raise errors.UnknownEvent("There is no such event.", event[:100])
    data = frame.get("data")
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise errors.BadData("The data of an event must be an object.", event)
    if event == "send_user_data":
        return _send_user_data(data, max_portion, read_query)
    if event == "get_logs":
        return GetLogs(
            _id(data, "before", "get_logs", errors.BadBefore), _id(data, "after", "get_logs", errors.BadAfter)
        )
    return _PLAIN[event]


_PLAIN: dict[str, ViewerRequest] = {
    "pause_live_update": Pause(),
    "resume_live_update": Resume(),
    "cancel_search": CancelSearch(),
}
_EVENTS = frozenset({"send_user_data", "get_logs", *_PLAIN})


def event_of(request: ViewerRequest) -> str:
    """The protocol's name of the request."""
    match request:
        case SendUserData():
            return "send_user_data"
        case GetLogs():
            return "get_logs"
        case Pause():
            return "pause_live_update"
        case Resume():
            return "resume_live_update"
    return "cancel_search"


def _send_user_data(data: Mapping[str, Any], max_portion: int, read_query: ReadQuery) -> SendUserData:
    event = "send_user_data"
    user_id = data.get("user_id")
    if not isinstance(user_id, str) or not 0 < len(user_id) <= _LONGEST_USER_ID:
        raise errors.BadUserId("user_id must be the text <host>:<port>.", event)
    batch = data.get("batch", False)
    if batch not in (True, False, "true", "false"):
        raise errors.BadBatch("batch must be true or false.", event)
    return SendUserData(
        user_id,
        _sender_ip(data.get("watched_ip"), event),
        _portion(data.get("logs_portion"), max_portion, event),
        batch in (True, "true"),
        _id(data, "since", event, errors.BadSince),
        _filter(data.get("query"), read_query, event),
        _columns(data.get("columns"), event),
    )


def _columns(names: object, event: str) -> tuple[str, ...]:
    if names in (None, ""):
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise errors.BadColumns("columns must be a list of names of fields.", event)
    try:
        return read_columns(names)
    except ValueError as error:
        raise errors.BadColumns(str(error), event) from error


def _filter(query: object, read_query: ReadQuery, event: str) -> Filter | None:
    if query in (None, ""):
        return None
    if not isinstance(query, str):
        raise errors.ViewerBadQuery("query must be text.", event)
    try:
        return read_query(query)
    except QueryError as error:
        raise errors.ViewerBadQuery(str(error), event, error.position, error.expected) from error


def _sender_ip(value: object, event: str) -> str | None:
    if value in (None, "", "*"):
        return None
    try:
        if not isinstance(value, str) or len(value) > 45:
            raise ValueError
        address = ipaddress.ip_address(value.strip())
    except ValueError as error:
        raise errors.BadWatchedIp("watched_ip must be an address, or * for every sender.", event) from error
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)


def _portion(value: object, most: int, event: str) -> int:
    if value in (None, ""):
        return min(DEFAULT_PORTION, most)
    number = _number(value)
    if number is None or not 1 <= number <= most:
        raise errors.BadLogsPortion(f"logs_portion must be a number from 1 to {most}.", event)
    return number


def _id(data: Mapping[str, Any], field: str, event: str, refusal: Callable[[str, str], ProtocolError]) -> int | None:
    value = data.get(field)
    if value in (None, ""):
        return None
    number = _number(value)
    if number is None:
        raise refusal(f"{field} must be the id of an event.", event)
    return number


def _number(value: object) -> int | None:
    """``value`` if it is a JSON number or its text: whole, not negative and no longer than any id; else ``None``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if 0 <= value < 10**_MOST_DIGITS else None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MOST_DIGITS:
        return int(value)
    return None
