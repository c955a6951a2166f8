"""Small factories for tests of the search language."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from ppl.model import Event
from ppl.search.query import Query, parse

BERLIN = ZoneInfo("Europe/Berlin")
NOW = int(datetime(2026, 11, 25, 14, 0, tzinfo=BERLIN).timestamp()) * 1_000_000
"""A Wednesday."""


def ask(text: str) -> Query:
    """The query ``text``, parsed in Berlin's time zone at :data:`NOW`."""
    return parse(text, BERLIN, NOW)


def micros(*fields: int) -> int:
    """The time ``fields`` (year, month, …) in Berlin, in µs."""
    return int(datetime(*fields, tzinfo=BERLIN).timestamp()) * 1_000_000  # type: ignore[arg-type, misc]


def event(message: str = "", **fields: object) -> Event:
    """An event with ``message``; ``fields`` replace the defaults of its other fields."""
    plain = {
        "id": NOW, "created_at": NOW, "sender_ip": "192.0.2.1", "file_name": "nginx", "hostname": "web1", "severity": 6,
        "facility": 16,
    }  # fmt: skip
    return Event(message=message, **{**plain, **fields})


def matches(text: str, **fields: object) -> bool:
    """Whether the query ``text`` matches an event with ``fields``."""
    return ask(text).predicate()(event(**fields))
