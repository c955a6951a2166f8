"""Events in the protocol's form: the dictionaries inside ``send_logs``, ``live_update_logs`` and ``new_logs``.

This module is the one place for the field names, so that history, live events and the link can never differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from operator import attrgetter

from ppl.errors import ProtocolError
from ppl.model import FACILITIES, SEVERITIES, TEXT_COLUMNS, Event
from ppl.timezone import local_text, utc_text

_FACILITY_NUMBERS = {keyword: number for number, keyword in enumerate(FACILITIES)}
_SEVERITY_NUMBERS = {keyword: number for number, keyword in enumerate(SEVERITIES)}
# The texts that are left out where they are empty.
_MORE_TEXTS = tuple(name for name in TEXT_COLUMNS if name not in ("file_name", "message"))
_more_texts = attrgetter(*_MORE_TEXTS)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def viewer_event(event: Event, zone: tzinfo) -> dict[str, str]:
    """``event`` for a viewer: the four fields of the founding document, then ``id`` and the other known fields.

    ``created_at`` is written in ``zone``; fields that are empty or unknown are left out, except the four.
    """
    fields = {
        "created_at": local_text(event.created_at, zone),
        "sender_ip": event.sender_ip,
        "file_name": event.file_name,
        "message": event.message,
        "id": str(event.id),
        "time": utc_text(event.created_at),
        "received_at": utc_text(event.received_at),
    }
    if event.severity is not None:
        fields["severity"] = SEVERITIES[event.severity]
    if event.facility is not None:
        fields["facility"] = FACILITIES[event.facility]
    for name, text in zip(_MORE_TEXTS, _more_texts(event), strict=True):
        if text:
            fields[name] = text
    return fields


def link_event(event: Event, user_id: str, zone: tzinfo) -> dict[str, str]:
    """``event`` for ``new_logs``: the viewer's fields and the ``user_id`` it belongs to."""
    return {**viewer_event(event, zone), "user_id": user_id}


def read_link_event(data: Mapping[str, object]) -> tuple[str, Event | None]:
    """The inverse of :func:`link_event`: the ``user_id`` and the event.

    The event is ``None`` if ``data`` has no ``id`` or ``time``, as from a listener written from the founding document
    alone: then only the ``user_id`` is of use. Raises :class:`~ppl.errors.ProtocolError`.
    """
    user_id = _text(data, "user_id")
    message, file_name, sender_ip = _text(data, "message"), _text(data, "file_name"), _text(data, "sender_ip")
    if not user_id:
        raise ProtocolError("An event has no user_id.", "new_logs")
    if "id" not in data or "time" not in data:
        return user_id, None
    number = _text(data, "id")
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise ProtocolError("An event's id is not a number.", "new_logs")
    return user_id, Event(
        id=int(number),
        created_at=_microseconds(_text(data, "time")),
        sender_ip=sender_ip,
        file_name=file_name,
        message=message,
        **{name: _text(data, name) for name in _MORE_TEXTS},
        facility=_FACILITY_NUMBERS.get(_text(data, "facility")),
        severity=_SEVERITY_NUMBERS.get(_text(data, "severity")),
    )


def _text(data: Mapping[str, object], name: str) -> str:
    value = data.get(name, "")
    if not isinstance(value, str):
        raise ProtocolError(f"An event's {name} is not a string.", "new_logs")
    return value


def _microseconds(text: str) -> int:
    try:
        # "t" and "z" may be lower-case: RFC 3339, 5.6.
        return (datetime.fromisoformat(text.upper()) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError) as error:
        raise ProtocolError("An event's time is not RFC 3339 with a zone.", "new_logs") from error
