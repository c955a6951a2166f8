"""Finds the time of a line that is a JSON object, without reading the object.

Only a key that loggers use for it counts, near the beginning of the object and in the object itself, not in one within
it. The line stays as it is.
"""

from __future__ import annotations

import re
from datetime import tzinfo

from ppl.model import SECOND
from ppl.sources.json_place import has_inner, outer_of
from ppl.sources.timestamp import is_sane, iso, microseconds, moment_of

#: The usual keys, with the colon: within a text, a quote would have a backslash. Before each group stands what all of
#: its keys have in common, which most objects without a time have not.
_KEYS = (
    ("ime", ('"time":', '"timestamp":', '"@timestamp":')),
    ('"t', ('"ts":', '"t":{"$date":')),
    ('"@t":', ('"@t":',)),
    ("ime", ('"datetime":', '"asctime":', '"EventTime":', '"Timestamp":', '"timeMillis":', '"timestampSeconds":')),
    ('"t":', ('"t":',)),
    ('"d', ('"date":', '"dt":')),
    ('"instant":', ('"instant":',)),
)  # fmt: skip
#: Keys that may as well hold what the line tells of: then its own time is of the last year.
_OF_ANYTHING = frozenset(('"date":', '"datetime":', '"dt":', '"t":'))
_YEAR = 366 * 86_400 * SECOND
#: Characters in which the key is looked for.
_MOST = 400
#: The form of nearly all loggers.
_USUAL = re.compile(
    r'\s?"([0-9]{4})(-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}):([0-9]{2})(?:[.,]([0-9]{1,12}))?'
    r'(Z|[+-][0-9]{2}:[0-9]{2})?"'
)
# Google's and Log4j's objects have a number of seconds, and of nanoseconds behind it.
_VALUE = re.compile(
    r'\s{0,2}(?:"([0-9]{4}-[0-9:.,T +Z\-]{6,36})"'
    r'|"?(1[0-9]{9}(?:[0-9]{3}){0,3})(?:\.([0-9]{1,9}))?"?(?=\s?[,}])'
    r'|\{"(?:seconds|epochSecond)":\s?(1[0-9]{9})(?:,\s?"nano(?:s|OfSecond)":\s?([0-9]{1,9}))?(?=\s?[,}]))'
)
_ENDS = frozenset(",}")
#: The digits of a number → µs for 1; nanoseconds are divided.
_FACTORS = {10: SECOND, 13: 1000, 16: 1}


def json_moment(text: str, start: int, received_at: int, zone: tzinfo) -> int | None:
    """The moment, in µs, that the object at ``start`` names as its time; ``None`` if it names none.

    Args:
        text: the line.
        start: where the object begins.
        received_at: µs of receipt.
        zone: time zone of times that name none.
    """
    head = text[start : start + _MOST]
    is_outer = False
    for common, keys in _KEYS:
        if common not in head:
            continue
        for key in keys:
            at = head.find(key)
            if at > 0 and not is_outer and has_inner(head, at):
                head, is_outer = outer_of(head), True
                at = head.find(key)
            if at > 0 and (found := _moment(text, start + at + len(key), received_at, zone)):
                moment = found[0]
                is_near = moment is not None and abs(moment - received_at) < _YEAR
                return moment if is_near or key not in _OF_ANYTHING else None
    return None


def _moment(text: str, at: int, received_at: int, zone: tzinfo) -> tuple[int | None] | None:
    """The moment of the value at ``at``, itself ``None`` if it is not sane; ``None`` if the value is no time."""
    milliseconds = text[at : at + 13]
    if milliseconds.isdecimal() and text[at + 13 : at + 14] in _ENDS:
        moment = int(milliseconds) * 1000
        return (moment if is_sane(moment, received_at) else None,)
    usual = _USUAL.match(text, at)
    if usual:
        year, day, minute, second, fraction, offset = usual.groups()
        return (moment_of(year, f"{day}T{minute}{offset or ''}", second, fraction, received_at, zone),)
    found = _VALUE.match(text, at)
    if found is None:
        return None
    written, digits, fraction, seconds, nanoseconds = found.groups()
    if written:
        return (iso(written, received_at, zone),)
    if seconds:
        moment = int(seconds) * SECOND + int(nanoseconds or 0) // 1000
        return (moment if is_sane(moment, received_at) else None,)
    factor = _FACTORS.get(len(digits))
    moment = int(digits) * factor if factor else int(digits) // 1000
    if fraction and factor == SECOND:
        moment += microseconds(fraction)
    return (moment if is_sane(moment, received_at) else None,)
