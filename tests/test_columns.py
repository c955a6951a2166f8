"""The columns of an event are written once, in ``ppl.model.COLUMNS``: whatever else names them has them all."""

from __future__ import annotations

import csv
from datetime import UTC
from io import StringIO
from typing import Any

import attrs
import psycopg2
from psycopg2.extras import DictCursor

from ppl.archive.dayfile import SCHEMA
from ppl.model import COLUMNS, FACILITIES, SEVERITIES, Destination, Event, Events, Lines, row_of
from ppl.store.events.copy_text import COPIED_COLUMNS, copy_text
from ppl.web.api.export import FORMATS
from ppl.wire import link_event, read_link_event

NAMES = [column.name for column in COLUMNS]
#: A value for each column, none of which is another's.
FIELDS: dict[str, Any] = {
    column.name: 1_700_000_000_000_000 if column.name == "created_at" else 3 if column.name == "severity" else 17
    if column.sql_type == "smallint" else f"the {column.name}"
    for column in COLUMNS
}  # fmt: skip
LINES = Lines.of_rows([row_of(FIELDS), row_of({})])
EVENTS = Events(Destination(7, "logs.example.com", 1514, "UTC"), "192.0.2.7", 1_700_000_000_000_001, LINES)
FULL, EMPTY = EVENTS


def test_lines_and_events_have_them() -> None:
    assert [field.name for field in attrs.fields(Lines)] == NAMES
    assert {field.name for field in attrs.fields(Event)} == {"id", "sender_ip", *NAMES}


def test_a_row_is_read_as_it_was_made() -> None:
    assert list(LINES.rows()) == [row_of(FIELDS), row_of({})]
    assert Lines.of_rows([]) == Lines(*((),) * len(NAMES))
    assert list(Lines.joined([LINES, Lines.of_rows([]), LINES]).rows()) == [*LINES.rows(), *LINES.rows()]
    assert {name: getattr(FULL, name) for name in NAMES} == FIELDS
    assert Event(EVENTS.last_id, EVENTS.last_id, "192.0.2.7", "", "") == EMPTY


def test_the_table_has_them(dsn: str) -> None:
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'event'"
            " AND column_name NOT IN ('destination_id', 'id', 'sender_ip')"
        )
        assert dict(cursor.fetchall()) == {column.name: column.sql_type for column in COLUMNS}
    connection.close()


def test_copy_writes_them(dsn: str) -> None:
    with psycopg2.connect(dsn) as connection, connection.cursor(cursor_factory=DictCursor) as cursor:
        cursor.execute("CREATE TEMPORARY TABLE copied (LIKE event INCLUDING DEFAULTS)")
        cursor.copy_expert(f"COPY copied ({COPIED_COLUMNS}) FROM STDIN", StringIO(copy_text([EVENTS]).decode()))
        cursor.execute("SELECT * FROM copied ORDER BY id")
        for row, event in zip(cursor.fetchall(), EVENTS, strict=True):
            assert dict(row) == {**attrs.asdict(event), "destination_id": 7}
    connection.close()


def test_the_wire_and_the_link_carry_them() -> None:
    for event in EVENTS:
        assert read_link_event(link_event(event, "logs.example.com:1514", UTC)) == ("logs.example.com:1514", event)


def test_exports_and_archives_have_them() -> None:
    chosen = FORMATS["csv"]
    (row,) = csv.DictReader(StringIO(chosen.heading + chosen.write([FULL], UTC)))
    written = {**FIELDS, "severity": SEVERITIES[3], "facility": FACILITIES[17], "created_at": "2023-11-14 22:13:20"}
    assert {name: row[name] for name in NAMES} == written
    assert set(SCHEMA.names) == {"id", "received_at", "sender_ip", *NAMES}
