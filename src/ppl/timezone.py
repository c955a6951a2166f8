"""The protocol's ``timeZone``: ``+02.00`` (the founding document's form), ``+02:00`` or an IANA name.

Pure functions over :class:`datetime.tzinfo`; used where times are written for a person.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from ppl.errors import PplError
from ppl.model import SECOND

_OFFSET = re.compile(r"([+-])(\d\d)[.:](\d\d)", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnknownTimeZone(PplError):
    """The text is neither an offset nor an IANA name."""

    code = "unknown_time_zone"


@lru_cache(maxsize=1024)
def parse_time_zone(text: str) -> tzinfo:
    """``text`` as a :class:`~datetime.tzinfo`.

    Raises:
        UnknownTimeZone: ``text`` is neither an offset below 24 hours nor an IANA name.
    """
    match = _OFFSET.fullmatch(text)
    if match:
        sign, hours, minutes = match[1], int(match[2]), int(match[3])
        if hours < 24 and minutes < 60:
            offset = timedelta(hours=hours, minutes=minutes)
            return timezone(-offset if sign == "-" else offset)
    elif 0 < len(text) <= 64:
        try:
            return ZoneInfo(text)
        except (KeyError, ValueError, OSError) as error:
            # An unknown key is a KeyError, a malformed one a ValueError, one that names a directory an OSError.
            raise _unknown(text) from error
    raise _unknown(text)


def _unknown(text: str) -> UnknownTimeZone:
    return UnknownTimeZone(f"{text[:64]!r} is not a time zone: write +02:00 or a name such as Europe/Berlin.")


def local_text(microseconds: int, zone: tzinfo) -> str:
    """``2016-10-06 23:59:59`` in ``zone``: the protocol's ``created_at``. ``microseconds`` since the epoch, UTC."""
    return _local_second(microseconds // SECOND, zone)


def utc_text(microseconds: int) -> str:
    """``2016-10-06T21:59:59.123456Z``: RFC 3339 in UTC with microseconds."""
    second, rest = divmod(microseconds, SECOND)
    return f"{_utc_second(second)}.{rest:06}Z"


# Events that are written together share a few seconds, and formatting a time takes longer than the rest of an event.
@lru_cache(maxsize=4096)
def _local_second(second: int, zone: tzinfo) -> str:
    return (_EPOCH + timedelta(seconds=second)).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


@lru_cache(maxsize=4096)
def _utc_second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
