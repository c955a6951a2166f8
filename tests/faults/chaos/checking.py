"""Checks that events are stored and seen as promised."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict

import attrs

from tests.faults.chaos.senders import Dropping, Reconnecting, Sender
from tests.faults.chaos.viewers import Gap, Seen, Watching, fingerprint
from tests.faults.load import Acknowledged
from tests.faults.tally import tally
from tests.fixtures.running import PplProcess, Registered

_LINE = re.compile(r"(\w+) ([0-9]{1,9})")


@attrs.define
class Stored:
    """The events of one destination, ascending by id.

    Attributes:
        ids, texts: ids of all events and fingerprints of their texts; see :func:`~.viewers.fingerprint`.
        numbers: numbers of the lines, by their senders' names.
    """

    ids: array[int] = attrs.Factory(lambda: array("q"))
    texts: array[int] = attrs.Factory(lambda: array("L"))
    numbers: dict[str, list[int]] = attrs.Factory(lambda: defaultdict(list))

    def add(self, number: int, message: str) -> None:
        """Add one event."""
        self.ids.append(number)
        self.texts.append(fingerprint(message))
        if line := _LINE.fullmatch(message):
            self.numbers[line[1]].append(int(line[2]))


def stored(ppl: PplProcess, who: Registered, name: str = "") -> Stored:
    """All events of ``who``, or those that a viewer finds who searches for ``name``."""
    rows = ppl.rows(
        "SELECT event.id, message FROM event JOIN destination ON destination.id = destination_id"
        " WHERE port = %s AND strpos(message, %s) > 0 ORDER BY event.id",
        who.port,
        name,
    )
    found = Stored()
    for number, message in rows:
        found.add(number, message)
    return found


def judge_sender(sender: Sender, found: Stored, restarts: int) -> list[str]:
    """Errors in the stored lines of a sender, whose connections Ppl's ``restarts`` may have broken."""
    numbers = found.numbers.get(sender.name, [])
    if isinstance(sender, Reconnecting):
        return [f"{sender.name}: {each}" for each in _judge_connections(sender, numbers, restarts)]
    counted = tally(numbers, sender.sent)
    if isinstance(sender, Dropping):
        right = counted.in_order and not counted.doubled
    else:
        again: Acknowledged = sender  # type: ignore[assignment]
        right = counted.in_order and not counted.lost and counted.doubled <= again.most_doubled
    return [] if right else [f"{sender.name}: {counted}"]


def _judge_connections(sender: Reconnecting, numbers: list[int], restarts: int) -> list[str]:
    """Check that each connection's lines are stored: all of them, or the first ones if a restart broke the connection.

    A restart breaks what is open. It may also take the last lines of the connection before, which the sender has
    ended in order and Ppl has not stored yet: these two count once. So does the next one, if nothing of it is stored: a
    process that ends closes its connections and its port one after the other, and until the port is closed the kernel
    accepts another connection for it.
    """
    wrong = []
    at = breaks = 0
    broken = []
    ended_before = broke_before = False
    for connection in sender.connections:
        due = connection.first
        while at < len(numbers) and numbers[at] == due and due < connection.begun:
            at, due = at + 1, due + 1
        ended = connection in sender.whole
        if not ended:
            broken.append(f"one broke before line {connection.begun}")
            reached_a_closing_port = broke_before and due == connection.first
            breaks += not (ended_before or reached_a_closing_port)
            broke_before = not reached_a_closing_port
        elif due != connection.begun:
            broken.append(f"one ended in order with line {connection.begun - 1}, line {due} is not there")
            breaks += 1
        if ended:
            broke_before = False
        ended_before = ended and due != connection.begun
        # A line that was cut off in the middle is stored as far as it was received.
        if due != connection.begun and at < len(numbers) and numbers[at] < due:
            at += str(due).startswith(str(numbers[at]))
    if breaks > restarts:
        wrong.append(f"more connections broken than the {restarts} restarts can have: {'; '.join(broken)}")
    if at < len(numbers):
        wrong.append(f"lines out of order, doubled or cut: {numbers[max(0, at - 3) : at + 5]}")
    return wrong


def judge_viewer(viewer: Watching, found: Stored) -> list[str]:
    """Errors in what a viewer saw, compared with all that it could have found."""
    wrong = [each for seen in viewer.views for each in _judge_view(seen, found)]
    return [f"{viewer.name}: {each}" for each in wrong]


def _judge_view(seen: Seen, found: Stored) -> list[str]:
    if not seen.ids and not seen.gaps:
        return []
    begin = bisect_right(found.ids, seen.since) if seen.since is not None else bisect_left(found.ids, _first(seen))
    end = bisect_right(found.ids, seen.last)
    ids, texts = found.ids[begin:end], found.texts[begin:end]
    wrong = []
    for gap in reversed(seen.gaps):
        first, last = bisect_left(ids, gap.first), bisect_right(ids, gap.last)
        wrong += _judge_gap(gap, ids[first:last])
        del ids[first:last], texts[first:last]
    if ids != seen.ids:
        missed, extra = sorted({*ids} - {*seen.ids}), sorted({*seen.ids} - {*ids})
        wrong.append(
            f"{len(ids)} events from id {begin and found.ids[begin]} to {seen.last} (since {seen.since}),"
            f" {len(seen.ids)} seen; missed {len(missed)} {missed[:5]}, not stored {len(extra)} {extra[:5]}"
        )
    elif texts != seen.texts:
        wrong.append("events with other texts than those stored")
    return wrong


def _judge_gap(gap: Gap, ids: array[int]) -> list[str]:
    if gap.skipped != len(ids):
        return [f"{gap.skipped} were skipped of {len(ids)} from {gap.first} to {gap.last}"]
    if len(gap.fetched) == gap.skipped and gap.fetched != ids:
        return [f"other events were fetched for a gap than those from {gap.first} to {gap.last}"]
    return []


def _first(seen: Seen) -> int:
    return min(*(seen.ids[:1] or [seen.last]), *(gap.first for gap in seen.gaps[:1]), seen.last)


def judge_log(text: str, names: list[str]) -> list[str]:
    """Errors in the log: a traceback, or the text of a customer's line."""
    wrong = [
        f"the log has {text.count(each)} times {each!r}: {text[max(0, text.find(each) - 300) : text.find(each) + 1200]}"
        for each in ("Traceback", "Unhandled")
        if each in text
    ]
    quoted = re.search(rf"\b(?:{'|'.join(names)}) [0-9]+", text)
    return [*wrong, f"the log quotes a line: {quoted[0]}"] if quoted else wrong
