"""Names of archived files: Hive's ``name=value`` directories, which readers of Parquet take for columns."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote

from ppl.store.upkeep.archives import Day

_EPOCH = date(1970, 1, 1)


def date_of(day: int) -> date:
    """Of a number of days since 1970."""
    return _EPOCH + timedelta(days=day)


def key_of(day: Day) -> str:
    """Where a destination's day is kept.

    The file's own name tells one destination from a later one with the same host and port, and from one of another
    database that archives to the same place.
    """
    # Whatever a host is called, it is one name: percent-encoded, as Hive does it.
    host = quote(day.host, safe="") or "forgotten"
    name = f"{host}-{day.port or day.destination_id}"
    return f"destination={name}/date={date_of(day.number).isoformat()}/events-{day.registered_at:x}.parquet"
