"""What is known of lines that were sent before: every number once, in bounded memory."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from ppl.errors import StoreUnavailable
from ppl.http.uploads import UploadReply
from ppl.listener.http.repeats import KnownLines, NewKeys, Ranges, SeenFrames, SeenLines
from ppl.listener.http.work_turns import WorkTurns
from ppl.model import UploadKeys


async def recalled(keys: UploadKeys | None) -> KnownLines:
    """What is known after a start with ``keys`` in the database."""

    async def read(destination_id: int) -> UploadKeys:
        assert keys is not None
        return keys

    known = KnownLines(read, WorkTurns(reactor))
    assert not known.is_recalled(1)
    await known.recall(1)
    assert known.is_recalled(1)
    return known


def _begun(seen: SeenFrames, frame: str, destination_id: int = 1) -> tuple[Deferred[UploadReply], list[UploadReply]]:
    """Begin to store a frame; gives what ends that, and the list that gets the answer."""
    storing: Deferred[UploadReply] = Deferred()
    answers: list[UploadReply] = []
    answer = Deferred.fromCoroutine(seen.once((destination_id, frame), lambda: storing))
    answer.addCallbacks(answers.append, lambda failure: failure.trap(StoreUnavailable) and None)
    return storing, answers


def test_a_frame_that_is_being_stored_is_not_forgotten_however_many_others_are_stored() -> None:
    seen = SeenFrames(most=3)
    reply = UploadReply(200, b"")
    slow, answers = _begun(seen, "slow")
    for number in range(10):
        _begun(seen, f"frame {number}")[0].callback(reply)
    repeated, also = _begun(seen, "slow")
    _begun(seen, "slow", destination_id=2)[0].callback(reply)
    assert not answers
    slow.callback(reply)
    assert answers == also == [reply]
    assert not repeated.called, "the repeat stored nothing"
    assert _begun(seen, "slow")[1] == [reply], "and it is known from now on"
    assert _begun(seen, "frame 0")[1] == [], "while the oldest are forgotten"


def test_a_frame_that_was_not_stored_is_stored_when_it_is_sent_again() -> None:
    seen = SeenFrames(most=1)
    first, answers = _begun(seen, "a")
    _, also = _begun(seen, "a")
    _begun(seen, "b")[0].callback(UploadReply(200, b""))
    first.errback(StoreUnavailable("PostgreSQL cannot be reached."))
    second, later = _begun(seen, "a")
    second.callback(UploadReply(200, b""))
    assert (answers, also, later) == ([], [], [UploadReply(200, b"")])


@given(st.lists(st.integers(0, 60)))
def test_each_number_is_new_once(numbers: list[int]) -> None:
    ranges, known = Ranges(), set()
    for number in numbers:
        assert ranges.add(number) == (number not in known)
        known.add(number)
        assert len(ranges) == len([each for each in known if each - 1 not in known]), "neighbours are one range"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.booleans())))
def test_numbers_that_are_added_together_are_as_good_as_each_of_them(added: list[tuple[int, int, bool]]) -> None:
    together, each = Ranges(), Ranges()
    for first, more, is_together in added:
        if is_together:
            together.add_all(first, first + more)
        else:
            assert together.add(first) == (each.add(first))
            more = 0
        for number in range(first, first + more + 1):
            each.add(number)
        assert len(together) == len(each)
    assert [together.add(number) for number in range(80)] == [each.add(number) for number in range(80)]


def test_the_lowest_numbers_are_forgotten() -> None:
    ranges = Ranges(most=3)
    for number in range(0, 100, 2):
        assert ranges.add(number)
        assert len(ranges) <= 3
    assert not ranges.add(98)
    assert ranges.add(0)


def test_large_numbers_are_numbers() -> None:
    ranges = Ranges()
    assert ranges.add(2**64 - 1)
    assert ranges.add(0)
    assert not ranges.add(2**64 - 1)


def test_of_numbers_added_together_the_lowest_are_forgotten_too() -> None:
    ranges = Ranges(most=2)
    for number in range(0, 40, 4):
        ranges.add_all(number, number + 2)
        assert len(ranges) <= 2
    ranges.add_all(2**64 - 2, 2**64 - 1)
    assert not ranges.add(2**64 - 1)


@given(st.lists(st.tuples(st.sampled_from(["", "a", "b"]), st.integers(0, 2**64 - 1) | st.integers(0, 600))))
@ensureDeferred
async def test_stored_keys_are_known_again_and_no_others(keys: list[tuple[str, int]]) -> None:
    new = NewKeys("kind", 1)
    for key in keys:
        new.add(key)
    new.add_all("c", 250, 900)
    stored = new.taken()
    assert new.taken() is None
    known = await recalled(stored)
    assert not any(known.seen.add(1, key) for key in keys)
    others = [(series, number ^ 1) for series, number in keys if (series, number ^ 1) not in keys]
    assert all(known.seen.add(1, key) for key in dict.fromkeys(others))
    assert [known.seen.add(1, ("c", number)) for number in (249, 250, 255, 256, 900, 901)] == [1, 0, 0, 0, 0, 1]
    assert known.seen.add(2, ("c", 250)), "another destination"


def test_destinations_and_series_are_told_apart() -> None:
    seen = SeenLines()
    assert [seen.add(1, ("a", 1)), seen.add(2, ("a", 1)), seen.add(1, ("b", 1)), seen.add(1, ("a", 2))] == [True] * 4
    assert not seen.add(1, ("a", 1))


def test_old_series_are_forgotten() -> None:
    seen = SeenLines()
    for number in range(12_000):
        assert seen.add(1, (f"series {number}", 0))
        assert not seen.add(1, ("series 0", 0)), "what is still in use is kept"
    assert seen.add(1, ("series 5", 0))
