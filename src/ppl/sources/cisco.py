"""Reads what Cisco's devices write between PRI and text.

``<189>82: leaf-3: *Nov 30 00:55:12.115 CET: %SYS-5-CONFIG_I: text``: a sequence number, the device's name, a process or
a node, a mark of an unset clock, and a time or the time since the start; each may be missing or stand elsewhere. What
has no column becomes structured data, with the names of RFC 5424 section 7 where there are some.
"""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import NamedTuple

from ppl.sources.stamps import read_stamp


class CiscoHeader(NamedTuple):
    """The moment (µs or ``None``), the device's name, the structured data, and where the tag begins."""

    created_at: int | None
    hostname: str
    structured_data: str
    end: int


class _Timed(NamedTuple):
    """The moment, the mark of an unset clock, the uptime, a zone's name that says nothing, and where the tag begins.

    ``end`` is ``None`` if there is no colon, ``unbelieved`` the text of a time that is not believed.
    """

    created_at: int | None
    mark: str
    uptime: str
    unknown_zone: str
    end: int | None
    unbelieved: str = ""


_LABEL = re.compile(r"([*.]?[\w.\-/]{1,255}) ?: ?")
_NUMBER = re.compile(r"([0-9]{1,10}):(?: |(?=[^\s0-9]))")
_NODE = re.compile(r"[A-Z]{2,4}/[0-9]+(?:/[\w]+)+|[0-9]+/[A-Z]+[0-9]+/[A-Z]+[0-9]+")
_HOST_AND_NODE = re.compile(rf"([\w.\-]{{1,255}}) (?=(?:{_NODE.pattern}):)")
_UPTIME = re.compile(r"((?:[0-9]+[ywdhms]){2,4}|[0-9]{1,4}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,3})?) ?: ?(?=%)")
_END = re.compile(r" ?: *")
_ZONE = re.compile(r" ([A-Z][A-Za-z]{1,7})(?= ?: ?%)")
_MOST_LABELS = 5
_QUOTE = '"'
# RFC 5424 section 6.3.3 lets a parameter occur more than once.
_REPEATED = '" sequenceId="'


def read_cisco(text: str, start: int, received_at: int, zone: tzinfo) -> CiscoHeader | None:
    """The header that a Cisco device writes at ``start``, up to its tag; ``None`` if it is none.

    Args:
        text: the line.
        start: where the header begins, after the PRI or after a relay's own header.
        received_at: µs of receipt.
        zone: time zone of times that name none.
    """
    position = start + 1 if text.startswith(":", start) else start
    while text.startswith(" ", position):
        position += 1
    numbers: list[str] = []
    host = ""
    nodes: list[str] = []
    tasks: list[str] = []
    for _ in range(_MOST_LABELS):
        number = _NUMBER.match(text, position)
        if number:
            numbers.append(number[1])
            position = number.end()
            continue
        timed = _timed(text, position, received_at, zone)
        if timed:
            created_at, mark, uptime, unknown, end, unbelieved = timed
            # A name alone may be any program's tag.
            is_cisco = numbers or nodes or mark or uptime or end is None or text.startswith("%", end)
            if end is None or not (is_cisco or not (host or tasks)):
                return None
            own = [("node", node) for node in nodes] + [("task", task) for task in tasks]
            own += [
                (name, value) for name, value in (("uptime", uptime), ("zone", unknown), ("time", unbelieved)) if value
            ]
            return CiscoHeader(created_at, host, _structured_data(numbers, mark, own), end)
        named = None if host else _HOST_AND_NODE.match(text, position)
        if named:
            host, position = named[1], named.end()
        label = _LABEL.match(text, position)
        if label is None:
            return None
        name = label[1]
        if _NODE.fullmatch(name):
            nodes.append(name)
        elif name[0] == "*" or host:
            tasks.append(name.lstrip("*"))
        else:
            host = name
        position = label.end()
    return None


def _timed(text: str, position: int, received_at: int, zone: tzinfo) -> _Timed | None:
    first = text[position : position + 1]
    if first.isdigit() and (uptime := _UPTIME.match(text, position)):
        return _Timed(None, "", uptime[1], "", uptime.end())
    mark = first if first in ("*", ".") else ""
    stamp = read_stamp(text, position + len(mark), received_at, zone)
    if stamp is None:
        return None
    unknown = _ZONE.match(text, stamp[1])
    end = _END.match(text, unknown.end() if unknown else stamp[1])
    unbelieved = text[position + len(mark) : stamp[1]] if stamp[0] is None else ""
    return _Timed(stamp[0], mark, "", unknown[1] if unknown else "", end.end() if end else None, unbelieved)


def _structured_data(numbers: list[str], mark: str, own: list[tuple[str, str]]) -> str:
    data = ""
    if numbers:
        data = f'[meta sequenceId="{_REPEATED.join(numbers)}"]'
    if mark:
        data += '[timeQuality isSynced="0"]'
    if not own:
        return data
    return f"{data}[cisco@9{''.join([f' {name}={_QUOTE}{value}{_QUOTE}' for name, value in own])}]"
