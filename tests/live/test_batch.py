"""Batches for many viewers: narrowed as each viewer needs, and the same object for all that need the same."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from ppl.live.batch import PART_EVENTS, Batch
from ppl.live.portion import PAGE_BYTES, size_of
from tests.viewer.test_session import event

SENDERS = st.sampled_from(["192.0.2.1", "192.0.2.2", "192.0.2.3"])

BATCHES = st.lists(
    st.tuples(st.integers(1, 3), SENDERS, st.sampled_from([1, 10, PAGE_BYTES // 2, PAGE_BYTES + 1])), max_size=12
).map(
    lambda rows: Batch(
        attrs.evolve(event(sum(step for step, _, _ in rows[: index + 1]), sender), message="x" * size)
        for index, (_, sender, size) in enumerate(rows)
    )
)


@given(batch=BATCHES, sender=st.none() | SENDERS, id_=st.integers(0, 40))
def test_a_batch_is_narrowed_by_sender_and_by_id(batch: Batch, sender: str | None, id_: int) -> None:
    narrowed = batch.of_sender(sender).after(id_)
    wanted = [each for each in batch.events if each.id > id_ and sender in (None, each.sender_ip)]
    assert list(narrowed) == wanted
    assert (narrowed.first_id, narrowed.last_id) == ((wanted[0].id, wanted[-1].id) if wanted else (0, 0))
    assert (len(narrowed), narrowed.size) == (len(wanted), sum(map(size_of, wanted)))


@given(batch=BATCHES)
def test_parts_are_the_same_events_within_the_bounds(batch: Batch) -> None:
    assert [each for part in batch.parts for each in part] == list(batch)
    for part in batch.parts:
        assert len(part) <= 1 or part.size <= PAGE_BYTES
    for one, other in zip(batch.parts, batch.parts[1:], strict=False):
        assert one.size + size_of(other.events[0]) > PAGE_BYTES, "no part is cut short"


def test_parts_are_bounded_in_number() -> None:
    batch = Batch(map(event, range(1, 2 * PART_EVENTS + 2)))
    assert list(map(len, batch.parts)) == [PART_EVENTS, PART_EVENTS, 1]


def test_who_narrows_in_the_same_way_gets_the_very_same() -> None:
    batch = Batch([event(1, "192.0.2.1"), event(2, "192.0.2.2")])
    assert batch.of_sender("192.0.2.1") is batch.of_sender("192.0.2.1")
    assert batch.of_sender(None) is batch.after(0) is batch
    assert batch.of_sender("192.0.2.2").after(1) is batch.of_sender("192.0.2.2")
    assert Batch([event(1)]).of_sender("192.0.2.1").events == (event(1),)
    big = Batch(map(event, range(1, PART_EVENTS + 2)))
    assert all(one is other for one, other in zip(big.parts, big.parts, strict=True))
