"""The checks of the runs with random faults notice what they should."""

from __future__ import annotations

import random
from array import array

import attrs
import pytest

from tests.faults.chaos.checking import Stored, judge_log, judge_sender, judge_viewer
from tests.faults.chaos.senders import Reconnecting
from tests.faults.chaos.viewers import Gap, Seen, Watching
from tests.fixtures.running import Registered


def stored(*numbers: int, name: str = "plain") -> Stored:
    """Stored lines with these numbers and the ids 1, 2, 3 …"""
    found = Stored()
    for at, number in enumerate(numbers, start=1):
        found.add(at, f"{name} {number}")
    return found


@attrs.frozen(eq=False)
class Connection:
    """A closed connection; see :class:`~tests.faults.lines.LineSender`."""

    first: int
    begun: int


def sender(*connections: tuple[int, int, bool]) -> Reconnecting:
    """A sender with these connections: first line, the line after the last, and whether it closed in order."""
    made = Reconnecting("plain", lambda first: pytest.fail("nothing is sent"), 1)
    made.connections = [Connection(first, begun) for first, begun, _ in connections]  # type: ignore[misc]
    made.whole = [each for each, (_, _, is_whole) in zip(made.connections, connections, strict=True) if is_whole]
    return made


def test_a_connection_that_ended_in_order_has_all_its_lines() -> None:
    assert judge_sender(sender((0, 3, True), (3, 5, True)), stored(0, 1, 2, 3, 4), 0) == []
    (wrong,) = judge_sender(sender((0, 3, True), (3, 5, True)), stored(0, 1, 3, 4), 0)
    assert "line 2 is not there" in wrong


def test_a_connection_that_broke_has_its_first_lines_and_maybe_a_piece_of_the_next() -> None:
    assert judge_sender(sender((0, 9, False), (9, 10, True)), stored(0, 1, 9), 1) == []
    assert judge_sender(sender((120, 140, False), (140, 141, True)), stored(120, 121, 12, 140), 1) == []
    assert judge_sender(sender((0, 9, False)), stored(0, 2), 1)
    assert judge_sender(sender((0, 9, False)), stored(0, 1), 0), "nothing broke it"


def test_a_restart_breaks_what_is_open_and_what_has_just_ended_before_it() -> None:
    assert judge_sender(sender((0, 3, True), (3, 9, False), (9, 10, True)), stored(0, 1, 9), 1) == []
    assert judge_sender(sender((0, 3, False), (3, 9, False), (9, 10, True)), stored(0, 1, 3, 9), 1), "both were open"
    assert judge_sender(sender((0, 3, True), (3, 9, True), (9, 10, True)), stored(0, 1, 3, 9), 1), "both had ended"
    apart = sender((0, 3, True), (3, 9, True), (9, 10, False))
    assert judge_sender(apart, stored(0, 1, *range(3, 9)), 1), "an intact connection is between the two"


def test_a_restart_may_break_one_more_that_came_before_the_port_was_closed() -> None:
    assert judge_sender(sender((0, 3, False), (3, 4, False), (4, 5, True)), stored(0, 1, 4), 1) == []
    assert judge_sender(sender((0, 3, False), (3, 4, False), (4, 5, True)), stored(0, 1, 3, 4), 1), "it was read from"
    twice = sender((0, 3, False), (3, 4, False), (4, 5, False), (5, 6, True))
    assert judge_sender(twice, stored(0, 1, 5), 1), "after the first refusal the port is closed"
    assert judge_sender(sender((0, 3, True), (3, 4, False), (4, 5, True)), stored(0, 1, 2, 4), 0), "nothing broke it"


def test_a_line_that_is_doubled_or_out_of_order_is_noticed() -> None:
    assert judge_sender(sender((0, 4, True)), stored(0, 1, 1, 2, 3), 0)
    assert judge_sender(sender((0, 4, True)), stored(0, 2, 1, 3), 0)


def viewer(seen: Seen) -> Watching:
    """A viewer that has seen ``seen``."""
    made = Watching("", Registered("", "", "", "", 0, ""), ["plain"], random.Random(0))
    made.views = [seen]
    return made


def shown(found: Stored, *ids: int, since: int | None = 0) -> Seen:
    """The events of ``found`` with these ids, as a viewer saw them."""
    return Seen(since, array("q", ids), array("L", (found.texts[each - 1] for each in ids)))


def test_a_viewer_that_missed_an_event_or_saw_another_text_is_noticed() -> None:
    found = stored(0, 1, 2, 3)
    assert judge_viewer(viewer(shown(found, 1, 2, 3, 4)), found) == []
    assert judge_viewer(viewer(shown(found, 2, 3, since=None)), found) == []
    assert judge_viewer(viewer(shown(found, 1, 3)), found)
    assert judge_viewer(viewer(shown(found, 2, 3)), found), "the view begins with the first event"
    changed = shown(found, 1, 2)
    changed.texts[0] += 1
    assert judge_viewer(viewer(changed), found)


def test_a_gap_counts_what_it_leaves_out() -> None:
    found = stored(0, 1, 2, 3)
    for skipped, is_right in ((2, True), (1, False), (3, False)):
        seen = shown(found, 1, 4)
        seen.gaps = [Gap(2, 3, skipped, 1)]
        assert (judge_viewer(viewer(seen), found) == []) is is_right


def test_a_line_or_a_traceback_in_the_log_is_noticed() -> None:
    assert judge_log("plain sailing", ["plain"]) == []
    assert judge_log("CONTEXT: plain 17", ["plain"])
    assert judge_log("Traceback (most recent call last):", ["plain"])
