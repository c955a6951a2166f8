"""Pausing in the middle of something, without I/O: nothing live slips through, nothing is counted twice."""

from __future__ import annotations

from ppl.errors import StoreUnavailable
from ppl.live.batch import Batch
from ppl.viewer.effects import SendPausedCount
from ppl.viewer.requests import GetLogs, Pause, Resume
from ppl.viewer.session import ViewerSession
from tests.viewer.test_session import asked, event, ids, page, wanted, watching


def test_what_catching_up_finds_after_a_pause_is_not_sent() -> None:
    session = watching(5)
    query = asked(session.catch_up())
    session.request(Pause())
    assert session.results(query.token, page(6, 7)) == []
    view = asked(session.request(Resume()))
    assert ids(session.results(view.token, page(5, 6, 7))[0]) == [5, 6, 7]


def test_resuming_waits_for_the_query_that_the_pause_made_useless() -> None:
    session = watching(5)
    query = asked(session.catch_up())
    session.request(Pause())
    assert session.request(Resume()) == [], "one query at a time"
    view = asked(session.results(query.token, page(6)))
    assert view.kind == "newest"


def test_catching_up_that_fails_after_a_pause_is_given_up() -> None:
    session = watching(5)
    query = asked(session.catch_up())
    session.request(Pause())
    assert session.failed(query.token, StoreUnavailable("away")) == []
    assert asked(session.request(Resume())).kind == "newest"


def test_a_pause_ends_the_portions_after_since() -> None:
    session = ViewerSession(5)
    session.request(wanted(portion=2, since=10))
    query = asked(session.authorised())
    again = asked(session.results(query.token, page(11, 12, complete=False)))
    session.request(Pause())
    assert session.results(again.token, page(13, 14, complete=False)) == []
    assert session.max_id == 12


def test_a_pause_before_the_first_portion_after_since_leaves_the_answer_only() -> None:
    session = ViewerSession(5)
    session.request(wanted(portion=2, since=10))
    query = asked(session.authorised())
    session.request(Pause())
    (answer,) = session.results(query.token, page(11, 12, complete=False))
    assert ids(answer) == [11, 12]
    assert asked(session.request(Resume())).kind == "newest"


def test_a_second_pause_does_not_begin_the_count_again() -> None:
    session = watching(5, request=wanted(batch=True))
    session.request(Pause())
    session.live(Batch([event(6)]))
    assert session.request(Pause()) == []
    assert session.live(Batch([event(7)])) == [SendPausedCount(2)]


def test_the_count_begins_again_after_a_resume() -> None:
    session = watching(5, request=wanted(batch=True))
    session.request(Pause())
    session.live(Batch([event(6)]))
    view = asked(session.request(Resume()))
    session.results(view.token, page(6))
    session.request(Pause())
    assert session.new_while_paused == 0


def test_history_goes_on_while_paused() -> None:
    session = watching(5, complete=False)
    session.request(Pause())
    query = asked(session.request(GetLogs()))
    assert ids(session.results(query.token, page(4))[0]) == [4]
