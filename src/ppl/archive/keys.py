"""Names of archived files: directories named ``name=value`` as in Hive, which Parquet readers turn into columns."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote

from ppl.store.upkeep.archives import Day

_EPOCH = date(1970, 1, 1)


def date_of(day: int) -> date:
    """The date of a number of days since 1970-01-01."""
    return _EPOCH + timedelta(days=day)


def key_of(day: Day) -> str:
    """The key of the file of a destination's day.

    The last part of the key tells a destination from a later one with the same host and port, and from one of another
    database that archives to the same place.
    """
    # Percent-encoded as in Hive, so that any host is the name of one directory.
    host = quote(day.host, safe="") or "forgotten"
    name = f"{host}-{day.port or day.destination_id}"
    return f"destination={name}/date={date_of(day.number).isoformat()}/events-{day.registered_at:x}.parquet"
