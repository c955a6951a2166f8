"""Lines as real senders write them, with what is to be read from them: the entries of ``tests/data/senders/*.toml``.

Each ``[[entry]]`` has these keys:

- ``name``, unique; ``sender``: the program and its version, or the report that shows the form;
- ``line``, with invented values; ``received_at`` (RFC 3339) and ``zone``, if they are not :data:`RECEIVED_AT` and
  :data:`ZONE`;
- ``host``, ``program``, ``pid``, ``msgid``, ``data``, ``text``, and ``severity`` and ``facility`` as keywords: what the
  columns must hold. ``""`` is nothing. A key that is missing is not compared: the case does not settle it;
- ``time``: RFC 3339; without it the time of receipt counts, and ``"unsettled"`` is not compared;
- ``left_out``: parts of the line that need not be found in any column: stamps with their zone and year, and the fixed
  words of a header.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import attrs

from ppl.model import FACILITIES, SEVERITIES, Lines
from ppl.sources.framing import Frames
from ppl.sources.message import parse_message
from tests.fixtures.running import ROOT
from tests.sources.lines import COLUMNS, rows

FOLDER = ROOT / "tests/data/senders"
RECEIVED_AT = "2026-11-29T23:55:30Z"
ZONE = "Europe/Berlin"
UNSETTLED = "unsettled"
#: Key of an entry → column.
TEXTS = {
    "host": "hostname",
    "program": "file_name",
    "pid": "procid",
    "msgid": "msgid",
    "data": "structured_data",
    "text": "message",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class Entry:
    """One line and what is expected of it; see the module's docstring."""

    name: str
    sender: str
    line: str
    received_at: str = RECEIVED_AT
    zone: str = ZONE
    time: str = ""
    left_out: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    severity: str | None = None
    facility: str | None = None
    host: str | None = None
    program: str | None = None
    pid: str | None = None
    msgid: str | None = None
    data: str | None = None
    text: str | None = None

    def expected(self) -> dict[str, Any]:
        """The columns that the entry settles, with their values."""
        found: dict[str, Any] = {column: getattr(self, key) for key, column in TEXTS.items()}
        if self.severity is not None:
            found["severity"] = SEVERITIES.index(self.severity) if self.severity else ""
        if self.facility is not None:
            found["facility"] = FACILITIES.index(self.facility) if self.facility else ""
        settled = {column: value for column, value in found.items() if value is not None}
        for column in ("severity", "facility"):
            if settled.get(column) == "":
                settled[column] = None
        if self.time != UNSETTLED:
            settled["created_at"] = microseconds(self.time) if self.time else None
        return settled

    def parse(self, frames: Frames) -> list[dict[str, Any]]:
        """The events of ``frames``, received when and where the entry says."""
        lines: Lines = parse_message(frames, microseconds(self.received_at), ZoneInfo(self.zone))
        return [dict(zip(COLUMNS, row, strict=True)) for row in rows(lines)]


def microseconds(moment: str) -> int:
    """RFC 3339 as µs since the epoch."""
    return (datetime.fromisoformat(moment) - _EPOCH) // timedelta(microseconds=1)


def entries_of(family: str) -> list[Entry]:
    """The entries of one file, in order."""
    found = tomllib.loads((FOLDER / f"{family}.toml").read_text("utf-8"))
    return [Entry(**entry) for entry in found["entry"]]


def entries() -> list[Entry]:
    """All entries of all files."""
    return [entry for path in sorted(FOLDER.glob("*.toml")) for entry in entries_of(path.stem)]
