"""A session that searches, without I/O: what it asks of the store, and what it makes of each part of the answer."""

from __future__ import annotations

from datetime import UTC

import pytest

from ppl.errors import StoreUnavailable, TooManySearches
from ppl.live.batch import Batch
from ppl.live.filtering import Filters
from ppl.model import Event, Page
from ppl.search.query import parse
from ppl.viewer.effects import Authorise, EndReading, ReadEvents, SendError, SendLive, SendLogs, SendProgress, Way
from ppl.viewer.requests import CancelSearch, GetLogs, Pause, Resume, SendUserData
from ppl.viewer.session import ViewerSession
from tests.viewer.test_session import asked, event, ids, page, refusal

QUERY = parse("x", UTC, 0)


def back(reached: int, found: int = 0, *, is_last: bool = True, top: int = 0) -> Way:
    return Way(reached, found, is_last, is_back=True, top=top)


def forth(reached: int, found: int = 0, *, is_last: bool = True, top: int = 0) -> Way:
    return Way(reached, found, is_last, is_back=False, top=top)


def part(*held: int) -> Page:
    return page(*held, complete=False)


def beginning(since: int | None = None, portion: int = 3) -> tuple[ViewerSession, ReadEvents]:
    session = ViewerSession(5)
    request = SendUserData("a:1", None, portion, False, since, Filters().of(QUERY))
    assert session.request(request) == [Authorise("a:1")]
    return session, asked(session.authorised())


def watching(*held: int, reached: int = 0, top: int = 20) -> ViewerSession:
    """A session that was answered ``held`` and has searched back to ``reached``."""
    session, query = beginning()
    way = back(reached or 1, len(held), top=top)
    session.results(query.token, page(*held, complete=not reached), way)
    return session


def test_the_view_begins_with_the_first_step_and_what_is_older_follows() -> None:
    session, query = beginning()
    assert (query.kind, query.search) == ("newest", QUERY)
    way = back(15, 1, is_last=False, top=20)
    assert session.results(query.token, part(17), way) == [SendLogs((event(17),), False, way=way)]
    assert (session.min_id, session.max_id) == (15, 20)
    progress = back(10, 1, is_last=False, top=20)
    assert session.results(query.token, part(), progress) == [SendProgress(progress)]
    assert session.min_id == 10
    assert session.results(query.token, page(4), back(0, 2, top=20)) == [SendLogs((event(4),), True)]


def test_live_goes_on_while_what_is_older_is_searched() -> None:
    session, query = beginning()
    assert session.live(Batch([event(21)])) == []
    first, live = session.results(query.token, part(), back(15, is_last=False, top=20))
    assert isinstance(first, SendLogs)
    assert ids(live) == [21]
    assert ids(session.live(Batch([event(22)]))[0]) == [22]


def test_a_search_that_just_began_begins_again_when_something_may_have_been_missed() -> None:
    session, query = beginning()
    assert session.live(Batch([event(21)])) == []
    end, anew = session.catch_up()
    assert end == EndReading(query.token)
    assert isinstance(anew, ReadEvents)
    assert (anew.kind, anew.search, anew.delay) == ("newest", QUERY, 0)
    assert session.results(query.token, part(17), back(15, 1, is_last=False, top=18)) == []
    first, live = session.results(anew.token, part(20), back(15, 1, is_last=False, top=20))
    assert (ids(first), ids(live)) == ([20], [21])
    assert ids(session.live(Batch([event(22)]))[0]) == [22], "it need not be read again"


def test_history_goes_on_from_where_the_budget_ended() -> None:
    session = watching(reached=12)
    query = asked(session.request(GetLogs()))
    assert (query.kind, query.before) == ("older", 12)
    (answer,) = session.results(query.token, part(), back(6))
    assert answer == SendLogs((), False, way=back(6))
    assert asked(session.request(GetLogs())).before == 6


def test_history_that_is_all_searched_is_answered_by_a_search_of_nothing() -> None:
    session = watching(17)
    session.live(Batch([event(21)]))
    assert asked(session.request(GetLogs())).before == 1, "not all of it once more"


def test_a_range_is_answered_in_parts_with_its_name_and_moves_nothing() -> None:
    session = watching(17, reached=12)
    query = asked(session.request(GetLogs(after=2, before=9)))
    assert (query.kind, query.after, query.before) == ("newer", 2, 9)
    way = forth(4, 1, is_last=False)
    assert session.results(query.token, part(3), way) == [SendLogs((event(3),), False, 9, 2, way=way)]
    assert session.results(query.token, page(), forth(8, 1)) == [SendLogs((), False, 9, 2)]
    assert (session.min_id, session.max_id) == (12, 20)


def test_a_search_is_cancelled_at_once_though_requests_wait() -> None:
    session = watching(17, reached=12)
    query = asked(session.request(GetLogs()))
    assert session.request(GetLogs()) == []
    assert session.request(CancelSearch()) == [EndReading(query.token)]
    answer, again = session.results(query.token, part(11), back(10, 1))
    assert answer == SendLogs((event(11),), False, way=back(10, 1))
    assert isinstance(again, ReadEvents)
    assert again.before == 10


def test_cancelling_nothing_does_nothing() -> None:
    assert watching(17).request(CancelSearch()) == []
    assert refusal(ViewerSession(5).request(CancelSearch())) == "not_identified"


def test_resuming_waits_for_no_search() -> None:
    session = watching(17, reached=12)
    session.request(Pause())
    query = asked(session.request(GetLogs()))
    assert session.request(Resume()) == [EndReading(query.token)]
    _, view = session.results(query.token, part(), back(12))
    assert isinstance(view, ReadEvents)
    assert view.kind == "newest"


def test_what_was_missed_is_not_cancelled_but_a_pause_ends_it() -> None:
    session = watching(17)
    query = asked(session.catch_up())
    assert session.request(CancelSearch()) == []
    assert session.request(Pause()) == [EndReading(query.token)]
    assert session.results(query.token, part(21), forth(21, 1, top=30)) == []
    assert session.max_id == 20


def test_catching_up_begins_after_what_was_looked_at_and_ends_where_the_search_did() -> None:
    session = watching(17)
    query = asked(session.catch_up(seen=25))
    assert (query.kind, query.after) == ("newer", 25)
    (live,) = session.results(query.token, part(27), forth(28, 1, is_last=False, top=40))
    assert isinstance(live, SendLive)
    assert session.live(Batch([event(41)])) == [], "events before it come first"
    (live,) = session.results(query.token, page(), forth(40, 1, top=40))
    assert ids(live) == [41]
    assert session.max_id == 41


def test_events_that_wait_to_be_sent_are_not_taken_for_sent() -> None:
    session = watching(17)
    session.congested()
    session.live(Batch([event(22)]))
    session.catch_up(seen=25)
    assert asked(session.drained()).after == 20


def test_catching_up_goes_on_past_the_budget() -> None:
    session = watching(17)
    query = asked(session.catch_up())
    assert asked(session.results(query.token, part(), forth(30, top=40))).after == 30


def test_since_goes_on_past_the_budget_and_says_how_far_it_is() -> None:
    session, query = beginning(since=10)
    assert (query.kind, query.after) == ("newer", 10)
    way = forth(12, is_last=False, top=40)
    assert session.results(query.token, part(), way) == [SendProgress(way)]
    first, again = session.results(query.token, part(13), forth(15, 1, top=40))
    assert first == SendLogs((event(13),), False, since=12, way=forth(15, 1, top=40))
    assert isinstance(again, ReadEvents)
    assert again.after == 15
    assert session.results(again.token, page(), forth(40, top=40)) == []
    assert session.max_id == 40


@pytest.mark.parametrize("kind", ["view", "history"])
def test_too_many_searches_are_told_and_a_view_waits_for_its_turn(kind: str) -> None:
    if kind == "history":
        session = watching(17, reached=12)
        query = asked(session.request(GetLogs()))
        assert refusal(session.failed(query.token, TooManySearches("Too many."))) == "too_many_searches"
        assert asked(session.request(GetLogs())).before == 12
        return
    session, query = beginning()
    told, again = session.failed(query.token, TooManySearches("Too many."))
    assert isinstance(told, SendError)
    assert (told.error.code, told.error.event) == ("too_many_searches", "send_user_data")
    assert isinstance(again, ReadEvents)
    assert again.delay > 0
    assert again.search == QUERY
    assert refusal(session.request(GetLogs())) == "too_many_searches"
    (later,) = session.failed(again.token, StoreUnavailable("away"))
    assert isinstance(later, ReadEvents)


def test_only_what_matches_is_counted_while_paused() -> None:
    # The sieve gives nothing else; the session counts what it is given.
    session = watching(17)
    session.request(Pause())
    session.live(Batch([Event(21, 21, "192.0.2.1", "app", "x")]))
    assert session.new_while_paused == 1
