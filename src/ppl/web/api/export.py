"""``GET /api/export``: all events that a search finds, as a file, sent as fast as the client reads.

Nothing is collected in memory: each step of the search becomes a part of the response, and the next step waits until
the client has taken that part. ``/api/export/<name>`` tells the progress of the export to which the client gave
that name.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import tzinfo
from functools import partial

import attrs

from ppl.access.destinations import access_of
from ppl.model import FACILITIES, SEVERITIES, Account, Clock, Destination, Event
from ppl.store.interface import Store
from ppl.store.walker import Walker
from ppl.timezone import parse_time_zone, utc_text
from ppl.web.api.events import begin, time_text
from ppl.web.http.answers import Answer, BadRequest, NotFound, StreamedAnswer, json_answer
from ppl.web.http.parameters import bounds_of, destination_of, query_of, word_of
from ppl.web.http.routing import Route, for_account
from ppl.web.http.visit import Visit
from ppl.wire import viewer_event

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_MOST_KNOWN = 200

FormatWriter = Callable[[Iterable[Event], tzinfo], str]


@attrs.define
class Progress:
    """The progress of one export: how many events were sent, the whole range (µs), and how far it is searched."""

    account_id: int
    first: int
    end: int
    events: int = 0
    reached: int = 0
    is_complete: bool = False

    def as_json(self) -> dict[str, object]:
        """The progress in the form of the API's JSON."""
        whole = max(1, self.end - self.first)
        done = 1.0 if self.is_complete else min(1.0, max(0, self.reached - self.first) / whole)
        return {
            "events": self.events,
            "reached_time": time_text(self.reached),
            "part": round(done, 4),
            "complete": self.is_complete,
        }


class Exports:
    """Handlers of ``/api/export``.

    Args:
        store: holds the events.
        clock: the wall clock, µs; ``3 hours ago`` in a query refers to it.
        steady: a clock, in seconds, that nobody sets.
        part_events: how many events are read and sent at a time.
    """

    def __init__(self, store: Store, clock: Clock, steady: Callable[[], float], part_events: int) -> None:
        self._store, self._clock, self._steady, self._part_events = store, clock, steady, part_events
        self._progress: dict[tuple[int, str], Progress] = {}

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_account("/api/export", self.export),
            for_account(r"/api/export/([\w-]{1,64})", self.progress),
        )

    async def export(self, visit: Visit, account: Account) -> StreamedAnswer:
        """``GET /api/export``: all events that match ``q``, oldest first."""
        fields = visit.query
        destination = destination_of(fields, await access_of(self._store, account.id))
        kind = word_of(fields, "format", tuple(FORMATS))
        is_zipped = word_of(fields, "gzip", ("0", "1")) == "1"
        name = fields.get("name", "")
        if name and not _NAME.fullmatch(name):
            raise BadRequest("name may have at most 64 characters: letters, digits, - and _.")
        now = self._clock()
        query = query_of(fields, account, now)
        after, end = bounds_of(fields)
        start = 0 if after is None else after + 1
        progress = Progress(account.id, start, now if end is None else end, reached=start)
        search = begin(self._store, account, destination, query, after=start - 1, before=end, newest_first=False)
        if name:
            self._remember(name, progress)
        form = FORMATS[kind]
        walker, zone = Walker(search, self._steady), parse_time_zone(account.time_zone)
        parts = _parts(walker, self._part_events, form, zone, progress)
        suffix = form.suffix + (".gz" if is_zipped else "")
        return StreamedAnswer(
            _zipped(parts) if is_zipped else parts,
            search.close,
            "application/gzip" if is_zipped else form.content_type,
            (("Content-Disposition", f'attachment; filename="{file_name(destination, suffix)}"'),),
        )

    async def progress(self, visit: Visit, account: Account, name: str) -> Answer:
        """``GET /api/export/<name>``: how far the account's export of that name has come."""
        known = self._progress.get((account.id, name))
        if known is None:
            raise NotFound("There is no export with that name.")
        return json_answer(known.as_json())

    def _remember(self, name: str, progress: Progress) -> None:
        self._progress.pop((progress.account_id, name), None)
        self._progress[progress.account_id, name] = progress
        if len(self._progress) > _MOST_KNOWN:
            del self._progress[next(iter(self._progress))]


async def _parts(walker: Walker, most: int, form: Format, zone: tzinfo, progress: Progress) -> AsyncIterator[bytes]:
    try:
        if form.heading:
            yield form.heading.encode("utf-8")
        while (found := await walker.step(partial(walker.search.step, most))) is not None:
            progress.events += len(found.events)
            progress.reached = found.reached
            # Empty if the step found nothing: the response then asks for the next part at once.
            yield form.write(found.events, zone).encode("utf-8")
        progress.is_complete = True
    finally:
        walker.close()


async def _zipped(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    async for part in parts:
        packed = packer.compress(part)
        if packed:
            yield packed
    yield packer.flush()


def file_name(destination: Destination, suffix: str) -> str:
    """The file name of a download from ``destination``."""
    host = re.sub(r"[^A-Za-z0-9.-]", "-", destination.host)
    return f"{host}-{destination.port}.{suffix}"


# Formats


@attrs.frozen
class Format:
    """A file format for events; ``title`` is its name on pages."""

    title: str
    suffix: str
    content_type: str
    write: FormatWriter
    heading: str = ""


#: Characters that end a line somewhere or move a terminal's cursor (C0, DEL, C1), and the escaping backslash itself.
_ESCAPES = str.maketrans(
    {chr(code): f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
    | {"\u2028": "\\u2028", "\u2029": "\\u2029"}
    | {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
)


_BLANK = "\\x20"


def _line(text: str) -> str:
    """``text`` with control characters escaped, so that it fits into one line and can be restored."""
    return text.translate(_ESCAPES)


def _more(event: Event) -> str:
    """MSGID and structured data after a tab, separated by a blank, with ``-`` for a missing one; ``""`` for neither."""
    if not event.msgid and not event.structured_data:
        return ""
    fields = (event.msgid, event.structured_data)
    msgid, data = ["\\x2d" if text == "-" else _line(text) or "-" for text in fields]
    return f"\t{msgid.replace(' ', _BLANK)} {data}"


def _text(events: Iterable[Event], zone: tzinfo) -> str:
    lines = []
    for event in events:
        fields = viewer_event(event, zone)
        tag = event.file_name + (f"[{event.procid}]" if event.procid else "")
        sender = event.hostname or event.sender_ip
        line = f"{fields['created_at']} {sender} {tag + ': ' if tag else ''}{event.message}"
        lines.append(_line(line) + _more(event) + "\n")
    return "".join(lines)


def _json_lines(events: Iterable[Event], zone: tzinfo) -> str:
    return "".join(json.dumps(viewer_event(event, zone), ensure_ascii=False) + "\n" for event in events)


_CSV = ("id", "time", "received_at", "created_at", "sender_ip", "hostname", "facility", "severity", "file_name",
        "procid", "msgid", "structured_data", "message")  # fmt: skip


def _csv(events: Iterable[Event], zone: tzinfo) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, _CSV, restval="", lineterminator="\r\n")
    for event in events:
        writer.writerow({name: _harmless(value) for name, value in viewer_event(event, zone).items()})
    return file.getvalue()


def _harmless(value: str) -> str:
    """``value``, with an apostrophe before it if a spreadsheet would take it for a formula."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def _papertrail(events: Iterable[Event], zone: tzinfo) -> str:
    """Tab-separated columns as in Papertrail's archives, in UTC; characters that end columns or lines are escaped.

    The columns are id, generated_at, received_at, source_id, source_name, source_ip, facility_name, severity_name,
    program and message; then, beyond Papertrail's, PROCID, MSGID and structured data.
    """
    lines = []
    for event in events:
        sender = event.hostname or event.sender_ip
        columns = (
            str(event.id),
            utc_text(event.created_at)[:19] + "Z",
            utc_text(event.received_at)[:19] + "Z",
            sender,
            sender,
            event.sender_ip,
            FACILITIES[event.facility].capitalize() if event.facility is not None else "",
            SEVERITIES[event.severity].capitalize() if event.severity is not None else "",
            event.file_name,
            event.message or event.stand_in,
            event.procid,
            event.msgid,
            event.structured_data,
        )
        lines.append("\t".join(map(_line, columns)) + "\n")
    return "".join(lines)


FORMATS = {
    "text": Format("Text", "log", "text/plain; charset=utf-8", _text),
    "json": Format("JSON lines", "jsonl", "application/x-ndjson", _json_lines),
    "csv": Format("CSV", "csv", "text/csv; charset=utf-8", _csv, ",".join(_CSV) + "\r\n"),
    "papertrail": Format("Papertrail", "tsv", "text/tab-separated-values; charset=utf-8", _papertrail),
}
