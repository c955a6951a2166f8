"""Small factories of events for the store's tests."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.model import Destination, Events, Lines
from ppl.store.upkeep.text_index import text_index_form, text_index_stem
from tests.fixtures.database import execute

HERE = Destination(1, "logs.example.com", 20000, "+00:00")
T0 = 1_700_000_000_000_000
"""A time within a slot, in µs."""


def lines(messages: Sequence[str], **columns: Sequence[object]) -> Lines:
    """Lines with ``messages``; ``columns`` replace default values."""
    count = len(messages)
    plain = {
        "created_at": [None] * count,
        "facility": [16] * count,
        "severity": [6] * count,
        "hostname": ["web1"] * count,
        "file_name": ["app.log"] * count,
        "procid": ["42"] * count,
        "msgid": [""] * count,
        "structured_data": [""] * count,
    }
    return Lines(message=messages, **{**plain, **columns})


def events(
    first_id: int,
    messages: Sequence[str],
    destination: Destination = HERE,
    sender_ip: str = "192.0.2.1",
    **columns: Sequence[object],
) -> Events:
    """Events with ids from ``first_id`` on."""
    return Events(destination, sender_ip, first_id, lines(messages, **columns))


def text_index(dsn: str, lower: int) -> str:
    """The name of the index that searches of a slot use."""
    ((version,),) = execute(dsn, "SELECT current_setting('server_version_num')::integer")
    return text_index_stem(lower) + text_index_form(version)
