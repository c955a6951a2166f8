"""What a viewer may cost, without I/O: parts and pages cut by size, requests that wait for room or are refused."""

from __future__ import annotations

from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.live.batch import PART_EVENTS, Batch
from ppl.live.portion import PAGE_BYTES, within_bytes
from ppl.model import Event, Page
from ppl.viewer.effects import SendError, SendGap, SendLive, SendLogs
from ppl.viewer.queue import MOST_BYTES, LiveQueue
from ppl.viewer.requests import GetLogs
from ppl.viewer.session import CATCH_UP_EVENTS, ViewerSession
from tests.viewer.test_session import asked, event, ids, page, wanted, watching


def big(id_: int, size: int = PAGE_BYTES // 2) -> Event:
    """An event whose structured data has ``size`` characters."""
    return Event(id_, id_, "192.0.2.1", "app", "", structured_data="x" * size)


def test_a_page_is_cut_by_all_that_a_sender_may_make_long() -> None:
    cut = within_bytes(Page((big(1), big(2), big(3)), True), newest=True)
    assert ([each.id for each in cut.events], cut.complete) == ([2, 3], False)
    cut = within_bytes(Page((big(1), big(2), big(3)), True), newest=False)
    assert ([each.id for each in cut.events], cut.complete) == ([1, 2], False)


def test_a_single_event_is_sent_however_long_it_is() -> None:
    whole = Page((big(1, 3 * PAGE_BYTES),), True)
    assert within_bytes(whole, newest=True) == whole


def test_a_queue_is_bounded_in_text_too_and_given_out_in_parts() -> None:
    queue = LiveQueue(100)
    queue.extend(Batch(big(id_, MOST_BYTES // 4) for id_ in range(1, 5)))
    assert not queue.too_much
    queue.extend(Batch([big(5)]))
    assert queue.too_much
    assert [each.id for each in queue.take()] == [1]
    assert not queue.too_much
    queue.forget_until(5)
    assert list(queue.take()) == []
    queue.extend(Batch(event(id_) for id_ in range(10, 11 + PART_EVENTS)))
    assert (len(queue.take()), len(queue.take())) == (PART_EVENTS, 1)


def test_many_events_at_once_are_no_gap_for_a_quick_reader() -> None:
    session = watching(1, queue=3)
    (live,) = session.live(Batch([event(id_) for id_ in range(2, 12)]))
    assert ids(live) == list(range(2, 12))


def test_what_waited_is_sent_part_by_part_while_there_is_room() -> None:
    session = watching(1, queue=10)
    session.congested()
    session.live(Batch([big(2), big(3), big(4)]))
    (first,) = session.drained()
    assert ids(first) == [2, 3]
    session.congested()
    assert session.sent() == []
    (second,) = session.drained()
    assert ids(second) == [4]
    assert session.sent() == []


def test_what_does_not_fit_when_the_reader_turns_slow_becomes_the_gap() -> None:
    session = watching(1, queue=3)
    (first,) = session.live(Batch([big(id_) for id_ in range(2, 10)]))
    assert ids(first) == [2, 3]
    session.congested()
    assert session.live(Batch([event(10)])) == []
    gap, live = session.drained()
    assert gap == SendGap(6, 4, 9)
    assert isinstance(live, SendLive)
    assert ids(live) == [10]


def test_since_goes_on_with_portions_when_there_is_room_again() -> None:
    session = ViewerSession(5)
    session.request(wanted(portion=2, since=10))
    query = asked(session.authorised())
    session.congested()
    (first,) = session.results(query.token, page(11, 12, complete=False))
    assert session.live(Batch([event(15)])) == [], "it is read with the rest"
    again = asked(session.drained())
    assert again.after == 12
    assert session.results(again.token, page(13, 15)) == [SendLogs((event(13), event(15)), False, since=12)]
    assert ids(first) == [11, 12]
    assert ids(session.live(Batch([event(16)]))[0]) == [16]


def test_catching_up_reads_large_portions_though_small_ones_were_asked_for() -> None:
    session = watching(5, request=wanted(portion=1))
    assert asked(session.catch_up()).limit == CATCH_UP_EVENTS


def test_since_reads_large_portions_though_small_ones_were_asked_for() -> None:
    session = ViewerSession(5)
    session.request(wanted(portion=1, since=10))
    query = asked(session.authorised())
    assert (query.after, query.limit) == (10, CATCH_UP_EVENTS)
    again = asked(session.results(query.token, page(*range(11, 511), complete=False)))
    assert (again.after, again.limit) == (510, CATCH_UP_EVENTS)
    session.results(again.token, page(511))
    assert asked(session.request(GetLogs())).limit == 1, "history comes as asked"


def test_larger_portions_than_that_are_kept_after_since() -> None:
    session = ViewerSession(5)
    session.request(wanted(portion=CATCH_UP_EVENTS + 1, since=10))
    assert asked(session.authorised()).limit == CATCH_UP_EVENTS + 1


def test_history_is_refused_at_once_while_the_store_is_known_to_be_away() -> None:
    session = watching(5, complete=False)
    query = asked(session.catch_up())
    session.request(GetLogs())
    refused, again = session.failed(query.token, StoreUnavailable("away"))
    assert isinstance(refused, SendError)
    assert (refused.error.code, refused.error.event) == ("store_unavailable", "get_logs")
    (refused,) = session.request(GetLogs())
    assert isinstance(refused, SendError)
    assert refused.error.code == "store_unavailable"
    session.results(asked([again]).token, page(6))
    assert asked(session.request(GetLogs())).before == 5


def test_a_refusal_says_nothing_of_where_the_database_is() -> None:
    for error in (StoreUnavailable("PostgreSQL at secret.internal"), StatementTimeout("SELECT secret")):
        session = watching(5, complete=False)
        (refused,) = session.failed(asked(session.request(GetLogs())).token, error)
        assert isinstance(refused, SendError)
        assert "secret" not in str(refused.error)
