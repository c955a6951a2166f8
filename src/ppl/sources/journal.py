"""systemd's journal, as ``systemd-journal-upload`` sends it: entries in the Journal Export Format, read as they come.

A backlog is one body of any length, and after every failure all of it comes again: an entry is recognised by its
cursor. Clients take anything but a success for a failure, so an entry that cannot be read does not keep others out.
Refusals are texts for the administrator, who finds them in the journal of ``systemd-journal-upload``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from ppl.model import FACILITIES, SEVERITIES, Row, row_of
from ppl.sources.bodies import BodyUnreadable
from ppl.sources.journal_export import ExportEntry, ExportReader
from ppl.sources.json_fields import ObjectReader, json_text, message_text, stored_text
from ppl.sources.kinds import BodyKind, KindReply, LineKey, NotTaken, Piece, Taken, TokenIn, UploadHead
from ppl.sources.levels import level_of
from ppl.sources.records import RowPieces
from ppl.sources.timestamp import is_sane

#: What says nothing of an entry but where it is in the journal, or repeats for each line of a service.
_NOISE = frozenset(
    (
        b"__MONOTONIC_TIMESTAMP", b"__SEQNUM", b"__SEQNUM_ID", b"_SOURCE_MONOTONIC_TIMESTAMP",
        b"_SOURCE_BOOTTIME_TIMESTAMP", b"_MACHINE_ID", b"_RUNTIME_SCOPE", b"_STREAM_ID", b"_CAP_EFFECTIVE",
        b"_SELINUX_CONTEXT", b"_AUDIT_SESSION", b"_AUDIT_LOGINUID", b"_SYSTEMD_CGROUP", b"_SYSTEMD_SLICE",
        b"_SYSTEMD_USER_SLICE", b"_SYSTEMD_OWNER_UID", b"_SYSTEMD_INVOCATION_ID", b"SYSLOG_TIMESTAMP", b"SYSLOG_RAW",
    )
)  # fmt: skip
#: Without any other field, there is nothing to store.
_ADDRESS = frozenset(("__REALTIME_TIMESTAMP", "_BOOT_ID"))
#: When journald received an entry.
_RECEIVED = "__REALTIME_TIMESTAMP"

# A cursor: the id of a series of numbers, the number in it, the boot; then times, and a hash of the data.
_CURSOR = re.compile(r"s=([0-9a-f]{1,32});i=([0-9a-f]{1,16});b=([0-9a-f]{1,32})(?:;[a-z]=[0-9a-f]{1,32})*", re.ASCII)
_LONGEST_CURSOR = 500
_MICROSECONDS = re.compile("[0-9]{1,17}", re.ASCII)
_SMALL = re.compile("[0-9]{1,2}", re.ASCII)


class JournalEntries:
    """Makes rows of the entries of one body; a :class:`ppl.sources.kinds.ReadAlong`.

    Args:
        zone: of no use here, as all times are in UTC.
        most: bytes at which texts are cut and marked.
    """

    def __init__(self, zone: tzinfo, most: int) -> None:
        self._zone, self._most = zone, most
        self._export = ExportReader(most)
        self._has_lines = False
        self._refused = 0

    def feed(self, data: bytes, received_at: int) -> Iterator[Piece]:
        """See :class:`ppl.sources.kinds.ReadAlong`."""
        yield from self._pieces(self._export.feed(data), received_at)

    def finish(self, received_at: int) -> Iterator[Piece]:
        """See :class:`ppl.sources.kinds.ReadAlong`."""
        yield from self._pieces(self._export.finish(), received_at)
        if self._refused and not self._has_lines:
            raise BodyUnreadable("The body is not in systemd's Journal Export Format.")

    def _pieces(self, entries: Iterator[ExportEntry], received_at: int) -> Iterator[Piece]:
        reader = ObjectReader(received_at, self._zone, self._most)
        waiting = RowPieces()
        for entry in entries:
            fields = _named(entry)
            cursor = fields.pop("__CURSOR", None)
            if fields.keys() <= _ADDRESS:
                yield from waiting.turn()
                continue
            # Of an entry without an end nobody knows whether it is all: the whole one may come later.
            key = _key(cursor) if entry.is_whole else None
            yield from waiting.add(_row(fields, reader), entry.size, key)
            self._has_lines = True
        refused, self._refused = self._export.spoiled - self._refused, self._export.spoiled
        yield from waiting.rest(refused)


def _named(entry: ExportEntry) -> dict[str, Any]:
    """The values by their names, but for noise; those of a name that occurs again are a list."""
    found: dict[str, Any] = {}
    for name, value in entry.fields:
        if name in _NOISE:
            continue
        key, text = name.decode("ascii"), value.decode("utf-8", "replace")
        before = found.get(key)
        if before is None:
            found[key] = text
        elif isinstance(before, list):
            before.append(text)
        else:
            found[key] = [before, text]
    return found


def _key(cursor: Any) -> LineKey | None:
    if not isinstance(cursor, str) or not 0 < len(cursor) <= _LONGEST_CURSOR:
        return None
    parts = _CURSOR.fullmatch(cursor)
    return (f"{parts[1]} {parts[3]}", int(parts[2], 16)) if parts is not None else (cursor, 0)


def _row(fields: dict[str, Any], reader: ObjectReader) -> Row:
    """The row of an entry. What becomes a column leaves the fields; the others are kept."""
    found: dict[str, Any] = {}
    message = fields.pop("MESSAGE", "")
    if isinstance(message, list):
        message, *others = message
        fields["MESSAGE"] = others
    found["message"] = message_text(message, reader.most)
    found["created_at"] = _moment(fields, reader.received_at)
    found["severity"] = _number(fields, "PRIORITY", len(SEVERITIES))
    if found["severity"] is None:
        found["severity"] = level_of(found["message"])
    found["facility"] = _number(fields, "SYSLOG_FACILITY", len(FACILITIES))
    for column, names in (
        ("hostname", ("_HOSTNAME",)),
        ("file_name", ("SYSLOG_IDENTIFIER", "_COMM")),
        ("procid", ("_PID", "SYSLOG_PID")),
    ):
        found[column] = _name(fields, names, reader)
    if fields.get("SYSLOG_PID") == found["procid"]:
        del fields["SYSLOG_PID"]
    found["structured_data"] = stored_text(json_text(fields), reader.most) if fields else ""
    return row_of(found)


def _moment(fields: dict[str, Any], received_at: int) -> int | None:
    """When an entry happened: by its program or, as that may be wrong, by journald."""
    for name in ("_SOURCE_REALTIME_TIMESTAMP", _RECEIVED):
        text = fields.get(name)
        if isinstance(text, str) and _MICROSECONDS.fullmatch(text) and is_sane(int(text), received_at):
            del fields[name]
            fields.pop(_RECEIVED, None)
            return int(text)
    return None


def _number(fields: dict[str, Any], name: str, below: int) -> int | None:
    text = fields.get(name)
    if not isinstance(text, str) or not _SMALL.fullmatch(text) or int(text) >= below:
        return None
    del fields[name]
    return int(text)


def _name(fields: dict[str, Any], names: tuple[str, ...], reader: ObjectReader) -> str:
    """The first of the fields that fits a column; it is then no longer among the fields."""
    for name in names:
        found = reader.name(fields.get(name))
        if found is not None:
            del fields[name]
            return found
    return ""


def journal_body(body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
    """A whole body; see :class:`ppl.sources.kinds.Read`."""
    entries = JournalEntries(zone, max_line_bytes)
    yield from entries.feed(body, received_at)
    yield from entries.finish(received_at)


def _text(status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> KindReply:
    return KindReply(status, f"{text}\n".encode(), (*headers, ("Content-Type", "text/plain; charset=utf-8")))


def _accepted(head: UploadHead, taken: Taken) -> KindReply:
    return _text(202, "OK.")


def _refused(head: UploadHead, why: NotTaken) -> KindReply:
    return _text(why.status, why.message, why.headers)


JOURNAL = BodyKind(
    "systemd's journal",
    ("application/vnd.fdo.journal",),
    journal_body,
    along=JournalEntries,
    addresses=("/upload",),
    tokens=(TokenIn.BASIC, TokenIn.BEARER),
    accepted=_accepted,
    refused=_refused,
    has_charset=False,
    # The unit's watchdog ends a client that waits for three minutes.
    patience=60.0,
    # A client notes where it is at the end of a body, which may take days to come.
    keys_kept=7 * 86_400,
)
