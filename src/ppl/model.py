"""The values everyone speaks: accounts, destinations and events, without I/O.

Times are ``int`` microseconds since 1970-01-01T00:00:00Z throughout ("µs"); only the edges turn them into text.
An event's ``id`` is the microsecond of its receipt made unique by adding one (DESIGN.md 4), so ids are times too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import attrs

Role = Literal["owner", "member"]

#: RFC 5424 section 6.2.1, tables 1 and 2, as the keywords of syslog(3).
FACILITIES: tuple[str, ...] = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "ntp", "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
SEVERITIES: tuple[str, ...] = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")

SECOND = 1_000_000
"""Microseconds in a second."""


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


@attrs.frozen
class Destination:
    """One ``host:port`` that receives logs: the protocol's registered client.

    Attributes:
        id: the store's key; every key of events begins with it.
        host: public host name, as issued at registration.
        port: TCP port, 1 to 65535.
        time_zone: the zone its ``created_at`` texts are written in.
    """

    id: int
    host: str
    port: int
    time_zone: str

    @property
    def user_id(self) -> str:
        """``<host>:<port>``, the protocol's name of this destination."""
        return f"{self.host}:{self.port}"


@attrs.frozen
class Event:
    """One stored log line (one row of :class:`Events`).

    Attributes:
        id: strictly increasing per destination; the µs of receipt, made unique.
        created_at: µs when it happened: the sender's timestamp if sane, else that of receipt.
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
        """µs of receipt (the id, see DESIGN.md 4)."""
        return self.id


@attrs.frozen
class Lines:
    """Parsed lines of one read as columns of equal length; what :mod:`ppl.syslog.message` gives.

    ``created_at`` is ``None`` where the line bore no sane timestamp. Other columns are as in :class:`Event`.
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


@attrs.frozen
class Events:
    """Events of one destination from one sender as columns, ascending by id: what is stored and announced.

    Attributes:
        destination: whose they are.
        sender_ip: textual address all of them came from.
        first_id: id of the first; the others follow one by one (``first_id + index``).
        lines: the parsed lines, ``len(lines)`` of them.
    """

    destination: Destination
    sender_ip: str
    first_id: int
    lines: Lines

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
        lines = self.lines
        columns = zip(
            self.ids, lines.created_at, lines.file_name, lines.message, lines.hostname, lines.procid,
            lines.msgid, lines.structured_data, lines.facility, lines.severity, strict=True,
        )  # fmt: skip
        for id_, created_at, file_name, message, hostname, procid, msgid, data, facility, severity in columns:
            yield Event(
                id_, id_ if created_at is None else created_at, self.sender_ip, file_name, message,
                hostname, procid, msgid, data, facility, severity,
            )  # fmt: skip


@attrs.frozen
class Page:
    """A page of stored events.

    Attributes:
        events: ascending by id.
        complete: whether nothing that matches lies beyond the page in the direction it was read.
    """

    events: tuple[Event, ...]
    complete: bool


Clock = Callable[[], int]
"""Gives the current time in µs."""
