"""The rules of one viewer, without I/O: what it asks of the store and what it sends."""

from __future__ import annotations

import pytest

from ppl.errors import ProtocolError, StoreUnavailable
from ppl.live.batch import Batch
from ppl.live.portion import PAGE_BYTES
from ppl.model import Event, Page
from ppl.viewer.effects import Authorise, Effect, ReadEvents, SendError, SendGap, SendLive, SendLogs, SendPausedCount
from ppl.viewer.errors import ViewerForbidden
from ppl.viewer.requests import GetLogs, Pause, Resume, SendUserData
from ppl.viewer.session import MOST_WAITING, ViewerSession


def event(id_: int, sender_ip: str = "192.0.2.1", message: str = "x") -> Event:
    return Event(id_, id_, sender_ip, "app", message)


def page(*ids: int, complete: bool = True) -> Page:
    return Page(tuple(event(id_) for id_ in ids), complete)


def ids(effect: Effect) -> list[int]:
    assert isinstance(effect, SendLogs | SendLive)
    return [each.id for each in effect.events]


def asked(effects: list[Effect]) -> ReadEvents:
    """The one query among ``effects``."""
    (query,) = [effect for effect in effects if isinstance(effect, ReadEvents)]
    return query


def wanted(
    portion: int = 3, batch: bool = False, since: int | None = None, sender_ip: str | None = None
) -> SendUserData:
    return SendUserData("a:1", sender_ip, portion, batch, since)


def watching(*held: int, complete: bool = True, queue: int = 5, request: SendUserData | None = None) -> ViewerSession:
    """A session that has answered ``send_user_data`` with the events ``held``."""
    session = ViewerSession(queue)
    assert session.request(request or wanted()) == [Authorise("a:1")]
    query = asked(session.authorised())
    (answer,) = session.results(query.token, page(*held, complete=complete))
    assert ids(answer) == list(held)
    return session


def refusal(effects: list[Effect]) -> str:
    (effect,) = effects
    assert isinstance(effect, SendError)
    return effect.error.code


def test_a_connection_begins_with_zeros() -> None:
    session = ViewerSession(5)
    assert (session.min_id, session.max_id, session.is_paused, session.user_id) == (0, 0, False, None)


def test_user_data_is_answered_with_the_newest_portion() -> None:
    session = ViewerSession(5)
    session.request(wanted(portion=2, sender_ip="192.0.2.1"))
    query = asked(session.authorised())
    assert query == ReadEvents(query.token, "newest", 2, sender_ip="192.0.2.1")
    assert session.results(query.token, page(7, 9, complete=False)) == [SendLogs((event(7), event(9)), False)]
    assert (session.min_id, session.max_id) == (7, 9)


def test_a_refused_user_id_leaves_the_session_as_it_was() -> None:
    session = ViewerSession(5)
    session.request(wanted())
    assert refusal(session.refused(ViewerForbidden("no", "send_user_data"))) == "forbidden"
    assert session.user_id is None
    assert session.live(Batch([event(1)])) == []
    assert session.request(wanted()) == [Authorise("a:1")]


@pytest.mark.parametrize("request_", [GetLogs(), Pause(), Resume()])
def test_nothing_may_come_before_user_data(request_: GetLogs | Pause | Resume) -> None:
    assert refusal(ViewerSession(5).request(request_)) == "not_identified"


def test_user_data_may_come_once() -> None:
    assert refusal(watching(1).request(wanted())) == "already_identified"


def test_requests_wait_for_the_one_being_answered_and_are_bounded() -> None:
    session = ViewerSession(5)
    session.request(wanted())
    query = asked(session.authorised())
    for _ in range(MOST_WAITING):
        assert session.request(GetLogs()) == []
    assert refusal(session.request(GetLogs())) == "too_many_requests"
    effects = session.results(query.token, page(5, complete=False))
    assert asked(effects).kind == "older"


def test_history_goes_on_before_the_oldest_sent() -> None:
    session = watching(7, 9, complete=False)
    query = asked(session.request(GetLogs()))
    assert (query.kind, query.before, query.limit) == ("older", 7, 3)
    assert session.results(query.token, page(3, 5, complete=True)) == [SendLogs((event(3), event(5)), True)]
    assert session.min_id == 3


def test_history_of_nothing_needs_no_query() -> None:
    assert watching().request(GetLogs()) == [SendLogs((), True)]


def test_a_named_range_is_answered_with_its_name() -> None:
    session = watching(7, 9, complete=False)
    query = asked(session.request(GetLogs(before=100)))
    assert (query.kind, query.before) == ("older", 10), "never beyond what was sent"
    assert session.results(query.token, page(8)) == [SendLogs((event(8),), True, before=100)]
    query = asked(session.request(GetLogs(after=2, before=6)))
    assert (query.kind, query.after, query.before) == ("newer", 2, 6)
    assert session.results(query.token, page(4)) == [SendLogs((event(4),), False, before=6, after=2)]
    assert session.min_id == 7, "filling a gap moves nothing"


def test_history_forward_never_passes_what_was_sent() -> None:
    session = watching(7, 9)
    query = asked(session.request(GetLogs(after=7)))
    assert query.before == 10
    session.results(query.token, page(9))
    assert asked(session.request(GetLogs(after=7, before=1000))).before == 10


def test_live_events_are_sent_once_and_in_order() -> None:
    session = watching(5)
    (sent,) = session.live(Batch([event(4), event(5), event(6), event(7)]))
    assert ids(sent) == [6, 7]
    assert session.live(Batch([event(6), event(7)])) == []
    assert session.max_id == 7


def test_live_events_of_other_senders_are_left_out() -> None:
    session = watching(5, request=wanted(sender_ip="192.0.2.1"))
    (sent,) = session.live(Batch([event(6, "192.0.2.2"), event(7)]))
    assert ids(sent) == [7]


def test_live_events_wait_for_the_snapshot_and_are_not_doubled() -> None:
    session = ViewerSession(5)
    session.request(wanted())
    query = asked(session.authorised())
    assert session.live(Batch([event(6), event(7)])) == []
    snapshot, live = session.results(query.token, page(5, 6))
    assert (ids(snapshot), ids(live)) == ([5, 6], [7])


def test_catching_up_reads_from_the_newest_sent_while_live_events_wait() -> None:
    session = watching(5)
    query = asked(session.catch_up())
    assert (query.kind, query.after) == ("newer", 5)
    assert session.live(Batch([event(9)])) == []
    (missed,) = session.results(query.token, page(6, 7, 9))
    assert isinstance(missed, SendLive)
    assert ids(missed) == [6, 7, 9]


def test_catching_up_takes_as_many_portions_as_it_needs() -> None:
    session = watching(5)
    query = asked(session.catch_up())
    effects = session.results(query.token, page(6, 7, 8, complete=False))
    assert ids(effects[0]) == [6, 7, 8]
    again = asked(effects)
    assert again.after == 8
    assert ids(session.results(again.token, page(9))[0]) == [9]


def test_being_told_to_catch_up_while_catching_up_reads_once_more() -> None:
    session = watching(5)
    query = asked(session.catch_up())
    assert session.catch_up() == []
    assert asked(session.results(query.token, page(6))).after == 6


def test_too_many_live_events_during_a_query_are_read_from_the_store_instead() -> None:
    session = watching(1, queue=3)
    query = asked(session.catch_up())
    for id_ in range(2, 12):
        assert session.live(Batch([event(id_)])) == []
    effects = session.results(query.token, page(2, 3))
    assert asked(effects).after == 3
    assert not any(isinstance(effect, SendGap) for effect in effects)


def test_a_paused_viewer_is_sent_nothing_and_resumes_with_the_newest_portion() -> None:
    session = watching(5)
    assert session.request(Pause()) == []
    assert session.is_paused
    assert session.live(Batch([event(6), event(7)])) == []
    assert session.catch_up() == []
    query = asked(session.request(Resume()))
    assert query.kind == "newest"
    assert not session.is_paused
    assert session.live(Batch([event(8)])) == []
    snapshot, live = session.results(query.token, page(6, 7, complete=False))
    assert (ids(snapshot), ids(live)) == ([6, 7], [8])
    assert (session.min_id, session.max_id) == (6, 8)


def test_a_viewer_that_opted_in_is_told_how_much_is_new() -> None:
    session = watching(5, request=wanted(batch=True))
    session.request(Pause())
    assert session.live(Batch([event(6)])) == [SendPausedCount(1)]
    assert session.live(Batch([event(7), event(8)])) == [SendPausedCount(3)]


def test_pausing_while_history_is_read_takes_effect_at_once() -> None:
    session = watching(5, complete=False)
    query = asked(session.request(GetLogs()))
    assert session.request(Pause()) == []
    assert session.live(Batch([event(6)])) == []
    assert session.results(query.token, page(4)) == [SendLogs((event(4),), True)]


def test_pause_and_resume_keep_their_order_behind_a_request_that_waits() -> None:
    session = watching(5, complete=False)
    first = asked(session.request(GetLogs()))
    session.request(Resume())
    session.request(Pause())
    query = asked(session.results(first.token, page(4)))
    assert query.kind == "newest"
    session.results(query.token, page(5))
    assert session.is_paused


def test_a_stale_answer_does_no_harm() -> None:
    session = watching(5, complete=False)
    query = asked(session.request(GetLogs()))
    assert session.results(query.token - 1, page(1)) == []
    assert session.failed(query.token - 1, StoreUnavailable("away")) == []
    assert session.results(query.token, page(4)) == [SendLogs((event(4),), True)]


def test_since_brings_everything_newer_in_portions_then_live() -> None:
    session = ViewerSession(5)
    session.request(wanted(portion=2, since=10))
    query = asked(session.authorised())
    assert (query.kind, query.after) == ("newer", 10)
    assert session.live(Batch([event(15)])) == []
    first, again = session.results(query.token, page(11, 12, complete=False))
    assert first == SendLogs((event(11), event(12)), False, since=10)
    assert isinstance(again, ReadEvents)
    assert again.after == 12
    second, live = session.results(again.token, page(13, 14))
    assert isinstance(second, SendLogs)
    assert (ids(second), ids(live)) == ([13, 14], [15])
    assert asked(session.request(GetLogs())).before == 10


def test_since_with_nothing_newer_is_answered_all_the_same() -> None:
    session = ViewerSession(5)
    session.request(wanted(since=10))
    assert session.results(asked(session.authorised()).token, page()) == [SendLogs((), False, since=10)]


def test_a_slow_reader_is_told_exactly_what_was_left_out() -> None:
    session = watching(1, queue=3)
    session.congested()
    for id_ in range(2, 7):
        assert session.live(Batch([event(id_)])) == []
    gap, live = session.drained()
    assert gap == SendGap(4, 2, 5)
    assert ids(live) == [6]
    assert ids(session.live(Batch([event(7)]))[0]) == [7]


def test_a_slow_reader_that_catches_up_in_time_misses_nothing() -> None:
    session = watching(1, queue=3)
    session.congested()
    session.live(Batch([event(2), event(3)]))
    (live,) = session.drained()
    assert ids(live) == [2, 3]


def test_a_slow_reader_catches_up_only_when_there_is_room() -> None:
    session = watching(1)
    session.congested()
    assert session.catch_up() == []
    assert session.live(Batch([event(2)])) == []
    assert asked(session.drained()).after == 1


def test_a_reader_that_does_not_read_gets_no_answers_until_it_does() -> None:
    session = watching(5, complete=False)
    session.congested()
    assert session.request(GetLogs()) == []
    assert asked(session.drained()).kind == "older"


def test_history_that_cannot_be_read_is_refused_and_may_be_asked_again() -> None:
    session = watching(5, complete=False)
    query = asked(session.request(GetLogs()))
    assert refusal(session.failed(query.token, StoreUnavailable("away"))) == "store_unavailable"
    assert asked(session.request(GetLogs())).before == 5


def test_a_view_that_cannot_begin_says_so_once_and_retries() -> None:
    session = ViewerSession(5)
    session.request(wanted())
    query = asked(session.authorised())
    told, again = session.failed(query.token, StoreUnavailable("away"))
    assert isinstance(told, SendError)
    assert told.error.event == "send_user_data"
    assert isinstance(again, ReadEvents)
    assert again.delay > 0
    (later,) = session.failed(again.token, StoreUnavailable("away"))
    assert isinstance(later, ReadEvents)
    assert later.delay > again.delay
    assert session.results(later.token, page(5)) == [SendLogs((event(5),), True)]


def test_catching_up_that_fails_is_retried_silently() -> None:
    session = watching(5)
    query = asked(session.catch_up())
    (again,) = session.failed(query.token, StoreUnavailable("away"))
    assert isinstance(again, ReadEvents)
    assert session.live(Batch([event(7)])) == []
    assert ids(session.results(again.token, page(6, 7))[0]) == [6, 7]


def test_a_portion_of_huge_texts_is_cut_and_the_rest_comes_with_the_next_request() -> None:
    big = [Event(id_, id_, "192.0.2.1", "app", "x" * (PAGE_BYTES // 2)) for id_ in range(1, 6)]
    session = ViewerSession(5)
    session.request(wanted(portion=5))
    (answer,) = session.results(asked(session.authorised()).token, Page(tuple(big), True))
    assert ids(answer) == [4, 5]
    assert isinstance(answer, SendLogs)
    assert not answer.is_oldest
    assert asked(session.request(GetLogs())).before == 4


def test_an_error_is_a_value_with_code_sentence_and_event() -> None:
    (effect,) = ViewerSession(5).request(GetLogs())
    assert isinstance(effect, SendError)
    assert isinstance(effect.error, ProtocolError)
    assert (effect.error.event, str(effect.error)) == ("get_logs", "send_user_data must come first.")


def test_history_after_since_nothing_does_not_repeat_what_was_sent() -> None:
    session = ViewerSession(5)
    session.request(wanted(since=0))
    query = asked(session.authorised())
    assert session.results(query.token, page(1, 2)) == [SendLogs((event(1), event(2)), False, since=0)]
    (live,) = session.live(Batch([event(3)]))
    assert ids(live) == [3]
    query = asked(session.request(GetLogs()))
    assert (query.kind, query.before) == ("older", 1)
    assert session.results(query.token, page()) == [SendLogs((), True)]


def test_a_range_of_the_clients_choice_does_not_take_the_place_of_what_lies_between() -> None:
    session = watching(20, 21, complete=False)
    query = asked(session.request(GetLogs(before=10)))
    session.results(query.token, page(8, 9, complete=False))
    assert asked(session.request(GetLogs())).before == 20


def test_a_range_that_joins_what_was_sent_is_where_history_goes_on() -> None:
    session = watching(20, 21, complete=False)
    query = asked(session.request(GetLogs(before=20)))
    session.results(query.token, page(8, 9, complete=False))
    assert asked(session.request(GetLogs())).before == 8


def test_history_of_a_view_that_begins_with_a_gap_goes_on_before_the_gap() -> None:
    session = watching(queue=1)
    session.congested()
    session.live(Batch([event(4), event(5)]))
    assert session.drained() == [SendGap(2, 4, 5)]
    assert asked(session.request(GetLogs())).before == 4
