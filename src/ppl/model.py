"""The values that all packages share: accounts, destinations and events, without I/O.

Times are ``int`` microseconds since 1970-01-01T00:00:00Z throughout ("µs"); only the edges turn them into text.
An event's ``id`` is the microsecond of its receipt made unique by adding one, so ids are times too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat, starmap
from operator import attrgetter
from typing import Any, Literal

import attrs

Role = Literal["owner", "member"]

#: What a destination's port accepts: only plain TCP and UDP, only TLS, or either.
Transport = Literal["plain", "tls", "either"]
TRANSPORTS: tuple[Transport, ...] = ("either", "plain", "tls")

#: RFC 5424 section 6.2.1, tables 1 and 2, as the keywords of syslog(3).
FACILITIES: tuple[str, ...] = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
SEVERITIES: tuple[str, ...] = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")

#: Words for facilities and severities in lower case, also those of other programs: one table for parsing and searching.
FACILITY_WORDS = {name: number for number, name in enumerate(FACILITIES)} | {"security": 4}
SEVERITY_WORDS = {name: number for number, name in enumerate(SEVERITIES)} | {
    "emergency": 0, "panic": 2, "critical": 2, "fatal": 2, "dpanic": 2, "ftl": 2, "error": 3, "severe": 3, "warn": 4,
    "wrn": 4, "informational": 6, "information": 6, "inf": 6, "dbg": 7, "trace": 7, "trc": 7, "verbose": 7, "vrb": 7,
}  # fmt: skip

SECOND = 1_000_000
"""Microseconds in a second."""

MINUTE = 60 * SECOND
QUARTER = 15 * MINUTE
HOUR = 60 * MINUTE
DAY = 86_400 * SECOND

#: The kinds of senders that a destination tells apart.
SenderKind = Literal["host", "file", "address"]
SENDER_KINDS: tuple[SenderKind, ...] = ("host", "file", "address")

#: A sender that was seen in at least this many different hours of its last week is regular.
REGULAR_HOURS = 3


@attrs.frozen
class Account:
    """A person who logs in.

    Attributes:
        id: the store's key.
        email: as given, lower-cased.
        time_zone: ``+02:00``-like offset or IANA name (see :mod:`ppl.timezone`).
    """

    id: int
    email: str
    time_zone: str


def _whole(hashes: Iterable[bytes | memoryview]) -> tuple[bytes, ...]:
    return tuple(map(bytes, hashes))


@attrs.frozen
class Destination:
    """One ``host:port`` that receives logs: the protocol's registered client.

    Attributes:
        id: the store's key; every key of events begins with it.
        host: public host name, as issued at registration.
        port: TCP port, 1 to 65535.
        time_zone: the zone its ``created_at`` texts are written in.
        transport: what its port accepts.
        retention_days: days for which events are kept, ``None``: the number that the installation sets.
        closed_at: µs when it stopped receiving, ``None`` while it receives.
        listener_host: the public host of the listener that serves it, where that is not ``host``.
        former_hosts: hosts that it had before its listener's public host changed.
        networks: addresses and networks that may send to it; empty: any may.
        client_certificates: PEM; a sender's certificate must be one of these or signed by one; ``""``: it needs none.
        token_hashes: hashes of the sender tokens; each line must carry one of these tokens; empty: lines need none.
        max_lines_per_second, max_bytes_per_day: its owner's quota, within the operator's; ``None``: the operator's.
    """

    id: int
    host: str
    port: int
    time_zone: str
    transport: Transport = "either"
    retention_days: int | None = None
    closed_at: int | None = None
    listener_host: str | None = None
    former_hosts: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    networks: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    max_lines_per_second: int | None = None
    max_bytes_per_day: int | None = None
    token_hashes: tuple[bytes, ...] = attrs.field(default=(), converter=_whole, repr=False)
    client_certificates: str = attrs.field(default="", repr=False)

    @property
    def is_closed(self) -> bool:
        """Whether it has stopped receiving."""
        return self.closed_at is not None

    @property
    def user_id(self) -> str:
        """``<host>:<port>``, the protocol's name of this destination."""
        return f"{self.host}:{self.port}"

    @property
    def takes(self) -> Transport:
        """What its port accepts: only TLS if senders must present a certificate."""
        return "tls" if self.client_certificates else self.transport

    @property
    def is_restricted(self) -> bool:
        """Whether only some senders may send to it."""
        return bool(self.networks or self.token_hashes or self.client_certificates)

    @property
    def served_by(self) -> str:
        """The public host of the listener that opens its port."""
        return self.listener_host or self.host


def destination_named(user_id: str | None, destinations: Iterable[Destination]) -> Destination | None:
    """The destination named ``user_id``, else one that had that name earlier; ``None`` if there is none."""
    known = list(destinations)
    for each in known:
        if each.user_id == user_id:
            return each
    return next((each for each in known if any(f"{host}:{each.port}" == user_id for host in each.former_hosts)), None)


@attrs.frozen
class Event:
    """One stored log line (one row of :class:`Events`).

    Attributes:
        id: strictly increasing per destination; the µs of receipt, made unique.
        created_at: µs when it happened: the sender's timestamp if sane, else the time of receipt.
        sender_ip: textual IPv4 or IPv6 address.
        file_name: syslog APP-NAME or TAG, ``""`` if none.
        message: the text itself, without NUL.
        hostname: the sender's HOSTNAME field, ``""`` if none.
        procid: RFC 5424 PROCID or RFC 3164's ``[pid]``, ``""`` if none.
        msgid: RFC 5424 MSGID, ``""`` if none.
        structured_data: RFC 5424 STRUCTURED-DATA as received, ``""`` if none.
        facility: 0 to 23, ``None`` if the line had no PRI.
        severity: 0 (emerg) to 7 (debug), ``None`` if the line had no PRI.
    """

    id: int
    created_at: int
    sender_ip: str
    file_name: str
    message: str
    hostname: str = ""
    procid: str = ""
    msgid: str = ""
    structured_data: str = ""
    facility: int | None = None
    severity: int | None = None

    @property
    def received_at(self) -> int:
        """µs of receipt (the id)."""
        return self.id

    @property
    def stand_in(self) -> str:
        """MSGID and structured data, side by side: what is shown if the message is empty."""
        return " ".join(filter(None, (self.msgid, self.structured_data)))


@attrs.frozen
class Column:
    """One part of a line: a field of :class:`Lines` and :class:`Event`, and a column of the table ``event``.

    Attributes:
        name: the same in all of them, on the wire, in exports and in archives.
        sql_type: the type in PostgreSQL. A missing text is ``""``, a missing number ``None``.
    """

    name: str
    sql_type: Literal["bigint", "smallint", "text"]


#: All columns, in the order of :class:`Lines`. SQL statements, archives and the wire format are made from it.
COLUMNS = (
    Column("created_at", "bigint"),
    Column("facility", "smallint"),
    Column("severity", "smallint"),
    Column("hostname", "text"),
    Column("file_name", "text"),
    Column("procid", "text"),
    Column("msgid", "text"),
    Column("structured_data", "text"),
    Column("message", "text"),
)

#: Names of the columns that hold text.
TEXT_COLUMNS = tuple(column.name for column in COLUMNS if column.sql_type == "text")

#: One parsed line: a value for each of :data:`COLUMNS`.
Row = tuple[Any, ...]


def row_of(fields: Mapping[str, Any]) -> Row:
    """The row of a line with ``fields``, by the names of :data:`COLUMNS`; missing ones are empty."""
    return tuple([fields.get(column.name, "" if column.sql_type == "text" else None) for column in COLUMNS])


@attrs.frozen
class Lines:
    """Parsed lines of one read as columns of equal length, made by :mod:`ppl.sources.message`.

    ``created_at`` is ``None`` where the line had no sane timestamp. Other columns are as in :class:`Event`.
    """

    created_at: Sequence[int | None]
    facility: Sequence[int | None]
    severity: Sequence[int | None]
    hostname: Sequence[str]
    file_name: Sequence[str]
    procid: Sequence[str]
    msgid: Sequence[str]
    structured_data: Sequence[str]
    message: Sequence[str]

    def __len__(self) -> int:
        return len(self.message)

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> Lines:
        """``rows`` as columns."""
        return cls(*(zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)))

    @classmethod
    def joined(cls, parts: Sequence[Lines]) -> Lines:
        """The lines of all ``parts``, in order."""
        if len(parts) == 1:
            return parts[0]
        columns = zip(*[attrs.astuple(each, recurse=False) for each in parts], strict=True)
        return cls(*(list(chain.from_iterable(each)) for each in columns))

    def rows(self) -> Iterator[Row]:
        """The inverse of :meth:`of_rows`."""
        return zip(*attrs.astuple(self, recurse=False), strict=True)


#: The columns of an event after its id, its time and its sender's address, in the order of its fields.
_EVENT_COLUMNS = attrgetter(*[field.name for field in attrs.fields(Event)][3:])


#: How many numbers a part of a series has, in :class:`UploadKeys`.
PART_NUMBERS = 256


@attrs.frozen
class UploadKeys:
    """What lines of one destination are recognised by when an upload brings them again.

    Attributes:
        kind: whose keys they are: equal keys of different kinds have nothing to do with each other.
        kept: µs for which they are remembered after a restart.
        numbers: numbered keys: ``(series, part)`` → an integer of which bit n stands for the number
            ``PART_NUMBERS * part + n``; no series is ``""``.
        digests: keys that have no order, each of eight bytes, the lowest first.
    """

    kind: str
    kept: int
    numbers: Mapping[tuple[str, int], int]
    digests: bytes


@attrs.frozen
class Events:
    """Events of one destination from one sender as columns, ascending by id: what is stored and announced.

    Attributes:
        destination: the destination that received them.
        sender_ip: textual address that all of them came from.
        first_id: id of the first; the others follow one by one (``first_id + index``).
        lines: the parsed lines, ``len(lines)`` of them.
        keys: stored with them, and of no use later; ``None``: the lines have none.
    """

    destination: Destination
    sender_ip: str
    first_id: int
    lines: Lines
    keys: UploadKeys | None = None

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def last_id(self) -> int:
        """Id of the last event."""
        return self.first_id + len(self.lines) - 1

    @property
    def ids(self) -> range:
        """The ids, ascending."""
        return range(self.first_id, self.first_id + len(self.lines))

    def __iter__(self) -> Iterator[Event]:
        """Each as an :class:`Event`, ascending by id."""
        ids, lines = self.ids, self.lines
        created_at = [id_ if at is None else at for id_, at in zip(ids, lines.created_at, strict=True)]
        sender_ips = repeat(self.sender_ip, len(ids))
        return starmap(Event, zip(ids, created_at, sender_ips, *_EVENT_COLUMNS(lines), strict=True))


@attrs.frozen
class Page:
    """A page of stored events.

    Attributes:
        events: ascending by id.
        complete: whether nothing that matches lies beyond the page in the direction it was read.
    """

    events: tuple[Event, ...]
    complete: bool


@attrs.frozen
class Found:
    """The result of one step of a search.

    Attributes:
        events: ascending by id.
        reached: a search for older events has covered every id from this one on; for newer ones, every id below it.
        complete: whether the search is at its end.
    """

    events: tuple[Event, ...]
    reached: int
    complete: bool


@attrs.frozen
class Counted:
    """The counts of one step of a search.

    Attributes:
        counts: start of a bucket, severity, and number of events; a bucket and severity may occur more than once.
        reached, complete: as in :class:`Found`.
    """

    counts: tuple[tuple[int, int | None, int], ...]
    reached: int
    complete: bool


@attrs.frozen
class ValuesCounted:
    """The values of a field in one step of a search.

    Attributes:
        counts: the most frequent values, each with how often it occurs.
        other_values, other_count: how many different values are left out, and how often they occur.
        reached, complete: as in :class:`Found`.
    """

    counts: tuple[tuple[str, int], ...]
    other_values: int
    other_count: int
    reached: int
    complete: bool


@attrs.frozen
class Bucket:
    """One bar of a histogram.

    Attributes:
        start: µs of its beginning.
        counts: numbers of events of severity 0 to 7, and then of events without a severity.
    """

    start: int
    counts: tuple[int, ...]


@attrs.frozen
class Archive:
    """The archive file of a destination's day.

    Attributes:
        day: days since 1970-01-01, UTC.
        place: name of the place where it is kept, for people.
        key: its key within the place.
        rows: events in it.
        bytes: its length.
        archived_at: when it was archived, µs.
    """

    day: int
    place: str
    key: str
    rows: int
    bytes: int
    archived_at: int


@attrs.frozen
class Sender:
    """A host, a file (program) or an address that a destination has received events from.

    Attributes:
        kind: whether it is a host, a file or an address.
        name: at most 255 characters, ``""`` for events without a name; ``None`` for the overflow row.
        first_seen, last_seen: µs of receipt.
        count: all its events.
        hours: events in each of 24 whole hours of UTC, of which the last is the current one.
        hours_seen: number of hours with events in the week before ``last_seen``.
        longest_pause: the most whole hours without events between two such hours.
    """

    kind: SenderKind
    name: str | None
    first_seen: int
    last_seen: int
    count: int
    hours: tuple[int, ...]
    hours_seen: int
    longest_pause: int

    def rate(self, now: int) -> float:
        """Events per minute over the hour before ``now`` (µs); the previous whole hour counts in proportion."""
        return (self.hours[-1] + self.hours[-2] * (1 - now % HOUR / HOUR)) / 60

    @property
    def silent_after(self) -> int | None:
        """The time, µs, from which it counts as silent if nothing comes; ``None`` if it was never regular.

        That is an hour plus 1.5 times its longest pause after it was last seen.
        """
        if self.name is None or self.hours_seen < REGULAR_HOURS:
            return None
        return self.last_seen + HOUR + self.longest_pause * HOUR * 3 // 2

    def is_silent(self, now: int) -> bool:
        """Whether it was regular and nothing has come for much longer than usual (``now`` in µs)."""
        return self.silent_after is not None and now > self.silent_after


@attrs.frozen
class SendersSeen:
    """All senders of a destination.

    Attributes:
        counted_to: events up to this id are counted, ``None``: none yet.
        is_complete: whether there were no further events to count.
        senders: by kind, most events first, the overflow row last.
    """

    counted_to: int | None
    is_complete: bool
    senders: tuple[Sender, ...]

    def known_to(self, now: int) -> int:
        """The time, µs, up to which senders are known: uncounted events must not look like silence."""
        return now if self.is_complete or self.counted_to is None else min(now, self.counted_to)


@attrs.frozen
class Stored:
    """How much is stored for a period of time.

    Attributes:
        start: µs of its beginning.
        count: number of events.
        bytes: length of their texts in UTF-8: host, file, PROCID, MSGID, structured data and message.
    """

    start: int
    count: int
    bytes: int


Clock = Callable[[], int]
"""Gives the current time in µs."""
