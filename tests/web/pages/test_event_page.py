"""The link to one event: who may open it, and what it says if there is nothing to open."""

from __future__ import annotations

from urllib.parse import quote

from pytest_twisted import ensureDeferred

from ppl.model import DAY
from tests.fixtures.database import execute
from tests.web.api.test_events import fill
from tests.web.browsing import Page
from tests.web.conftest import Serve, Served


def words(page: Page) -> str:
    """The page without its menu, which names the reader."""
    return page.text.partition("<main")[2]


@ensureDeferred
async def test_the_link_to_an_event_opens_the_viewer(served: Served) -> None:
    filled = await fill(served, 3)
    user_id = quote(filled.destination.user_id)
    for query in ("", f"?user_id={user_id}", f"?q=odd&user_id={user_id}"):
        page = await filled.browser.get(f"/events/{filled.ids[1]}{query}")
        assert page.status == 200
        assert 'id="log"' in page.text


@ensureDeferred
async def test_the_link_to_an_event_whose_time_is_over_says_so(serve: Serve) -> None:
    served = serve(retention_days=7)
    filled = await fill(served, 3)
    page = await filled.browser.get(f"/events/{filled.ids[1] - 8 * DAY}")
    assert page.status == 410
    assert "<h1>Expired</h1>" in page.text
    assert "was kept until" in page.text


@ensureDeferred
async def test_who_may_not_read_an_event_learns_nothing_of_it(serve: Serve) -> None:
    served = serve(retention_days=7)
    filled = await fill(served, 3)
    unknown = await filled.browser.get(f"/events/{filled.ids[1] + 1}")
    other = served.browser()
    assert (await other.register("other@gmail.com")).status == 303
    user_id = quote(filled.destination.user_id)
    for event_id in (filled.ids[1], filled.ids[1] - 8 * DAY):
        page = await other.get(f"/events/{event_id}?user_id={user_id}")
        assert (page.status, words(page)) == (404, words(unknown))
    assert (await other.get(f"/events/{filled.ids[1]}")).status == 404
    assert (await filled.browser.get(f"/events/{'9' * 19}")).status == 404


@ensureDeferred
async def test_a_stranger_with_a_link_logs_in_first_and_comes_back_to_it(served: Served) -> None:
    filled = await fill(served, 1)
    page = await served.browser().get(f"/events/{filled.ids[0]}?q=x")
    assert page.location == f"/login?next=/events/{filled.ids[0]}%3Fq%3Dx"


@ensureDeferred
async def test_with_several_destinations_the_link_finds_the_one_that_has_the_event(served: Served, dsn: str) -> None:
    filled = await fill(served, 2)
    other = served.browser()
    assert (await other.register("other@gmail.com")).status == 303
    execute(dsn, "INSERT INTO membership VALUES (2, 1, 'member')")
    page = await other.get(f"/events/{filled.ids[0]}?q=odd")
    assert page.location == f"/events/{filled.ids[0]}?q=odd&user_id={quote(filled.destination.user_id, safe='')}"
