"""Finds the time of a line that is a JSON object, without reading the object.

Only a key that loggers use for it counts, near the beginning of the object and in the object itself: before it may
stand neither objects nor arrays. The line stays as it is.
"""

from __future__ import annotations

import re
from datetime import tzinfo

from ppl.model import SECOND
from ppl.sources.timestamp import is_sane, iso, microseconds

#: The usual keys, with the colon: within a text, a quote would have a backslash.
_KEYS = (
    '"time":', '"timestamp":', '"@timestamp":', '"ts":', '"t":{"$date":', '"@t":', '"datetime":', '"date":', '"dt":',
    '"asctime":', '"EventTime":',
)  # fmt: skip
#: Keys that may as well hold what the line tells of: then its own time is of the last year.
_OF_ANYTHING = frozenset(('"date":', '"datetime":', '"dt":'))
_YEAR = 366 * 86_400 * SECOND
#: Characters in which the key is looked for.
_MOST = 400
_VALUE = re.compile(
    r'\s{0,2}(?:"([0-9]{4}-[0-9:.,T +Z\-]{6,36})"'
    r'|"?(1[0-9]{9}(?:[0-9]{3}){0,3})(?:\.([0-9]{1,9}))?"?(?=\s?[,}]))'
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
    for key in _KEYS:
        at = text.find(key, start, start + _MOST)
        if at < 0:
            continue
        if text.find("{", start + 1, at) >= 0 or text.find("[", start + 1, at) >= 0:
            continue
        at += len(key)
        milliseconds = text[at : at + 13]
        if milliseconds.isdecimal() and text[at + 13 : at + 14] in _ENDS:
            moment = int(milliseconds) * 1000
            return moment if is_sane(moment, received_at) else None
        found = _VALUE.match(text, at)
        if found is None:
            continue
        written, digits, fraction = found.groups()
        if written:
            moment_of_text = iso(written, received_at, zone)
            is_near = moment_of_text is not None and abs(moment_of_text - received_at) < _YEAR
            return moment_of_text if is_near or key not in _OF_ANYTHING else None
        factor = _FACTORS.get(len(digits))
        moment = int(digits) * factor if factor else int(digits) // 1000
        if fraction and factor == SECOND:
            moment += microseconds(fraction)
        return moment if is_sane(moment, received_at) else None
    return None
