"""Marks: over HTTP for programs, on the page without JavaScript, and what is not allowed."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from ppl.model import DAY
from ppl.web.api.marks import MOST_MARKS
from tests.fixtures.database import execute
from tests.web.api.test_events import Filled, fill
from tests.web.browsing import Browser, Page
from tests.web.conftest import Serve, Served
from tests.web.pages.test_saved import call, error

HOSTILE = "<script>alert(1)</script> \"'&amp; </textarea>"


async def mark(filled: Filled, number: int = 1, note: str = "here it began", **more: str) -> Page:
    fields = {"event_id": str(filled.ids[number]), "note": note, **more}
    return await call(filled.browser, "POST", "/api/marks", **fields)


async def listed(browser: Browser, more: str = "", **headers: str) -> list[dict[str, Any]]:
    return list(json.loads((await browser.get(f"/api/marks{more}", headers)).text)["marks"])


# Over HTTP


@ensureDeferred
async def test_programs_mark_list_and_remove(served: Served) -> None:
    filled = await fill(served, 3)
    browser, user_id = filled.browser, filled.destination.user_id
    page = await mark(filled)
    assert page.status == 201
    made = json.loads(page.text)["mark"]
    assert set(made) == {"id", "user_id", "event_id", "note", "marked_by", "created_at"}
    assert (made["event_id"], made["note"], made["marked_by"]) == (
        str(filled.ids[1]),
        "here it began",
        "user@gmail.com",
    )
    bearer = {"Authorization": f"Bearer {await browser.create_token()}"}
    assert await listed(served.browser(), **bearer) == [made]
    (with_event,) = await listed(browser, f"?user_id={user_id}&events=yes")
    assert with_event["event"]["id"] == made["event_id"]
    again = json.loads((await mark(filled, note="")).text)["mark"]
    assert (again["id"], again["note"]) == (made["id"], "")
    assert (await call(browser, "DELETE", f"/api/marks/{made['id']}")).status == 200
    assert (await call(browser, "DELETE", f"/api/marks/{made['id']}")).status == 404
    assert await listed(browser) == []


@ensureDeferred
async def test_only_what_is_there_can_be_marked(serve: Serve) -> None:
    filled = await fill(serve(retention_days=7), 2)
    for event_id, status, code in (
        (str(filled.ids[0] + 1), 404, "not_found"),
        (str(filled.ids[0] - 8 * DAY), 410, "expired"),
        ("", 400, "bad_request"),
        ("x", 400, "bad_request"),
        ("9" * 19, 400, "bad_request"),
    ):
        page = await mark(filled, event_id=event_id)
        assert (page.status, error(page)["code"]) == (status, code)
    assert (await mark(filled, user_id="elsewhere:1")).status == 403
    assert (await filled.browser.get("/api/marks?events=some")).status == 400
    assert await listed(filled.browser) == []


@pytest.mark.parametrize(
    ("note", "kept"),
    [
        ("x" * 500, "x" * 500),
        (" two\r\nlines\tand a tab ", "two\nlines and a tab"),
        ("👩\u200d💻 می\u200cخواهم", "👩\u200d💻 می\u200cخواهم"),
        (HOSTILE, HOSTILE),
    ],
)
@ensureDeferred
async def test_a_note_is_kept_to_the_letter(served: Served, note: str, kept: str) -> None:
    filled = await fill(served, 2)
    assert json.loads((await mark(filled, note=note)).text)["mark"]["note"] == kept


@pytest.mark.parametrize("note", ["x" * 501, "a\0b", "a\x1b[31m", "a\u202eb", "a\ud800b", "a\u2066b"])
@ensureDeferred
async def test_a_note_that_is_too_long_or_cannot_be_seen_is_refused(served: Served, note: str) -> None:
    filled = await fill(served, 2)
    page = await mark(filled, note=note)
    assert (page.status, error(page)["code"]) == (400, "bad_request")
    assert await listed(filled.browser) == []


@ensureDeferred
async def test_a_destination_has_at_most_200(served: Served, dsn: str) -> None:
    filled = await fill(served, 2)
    execute(
        dsn,
        "INSERT INTO mark (destination_id, event_id, note, created_at)"
        " SELECT %s, i, 'x', 0 FROM generate_series(1, %s) i",
        [filled.destination.id, MOST_MARKS],
    )
    page = await mark(filled)
    assert (page.status, error(page)["code"]) == (409, "too_many_marks")
    assert len(await listed(filled.browser, "?events=yes")) == MOST_MARKS


@ensureDeferred
async def test_whoever_marks_too_often_waits(served: Served) -> None:
    served.clock.stop()
    filled = await fill(served, 2)
    token = (await filled.browser.get("/settings")).csrf_token
    headers = {"Origin": filled.browser.origin, "X-CSRF-Token": token}
    fields = {"event_id": str(filled.ids[1])}
    for _ in range(60):
        assert (await filled.browser.request("POST", "/api/marks", headers, data=fields)).status == 201
    assert (await filled.browser.request("POST", "/api/marks", headers, data=fields)).status == 429
    served.clock.advance(2)
    assert (await filled.browser.request("POST", "/api/marks", headers, data=fields)).status == 201


@ensureDeferred
async def test_whoever_reads_marks_with_their_events_too_often_waits(served: Served) -> None:
    served.clock.stop()
    filled = await fill(served, 1)
    for _ in range(30):
        assert (await filled.browser.get("/api/marks?events=yes")).status == 200
    assert (await filled.browser.get("/api/marks?events=yes")).status == 429
    assert (await filled.browser.get("/marks")).status == 429
    assert (await filled.browser.get("/api/marks")).status == 200, "without them they cost little"


@ensureDeferred
async def test_nothing_is_changed_without_the_forms_token_or_from_another_site(served: Served) -> None:
    filled = await fill(served, 2)
    browser = filled.browser
    await mark(filled)
    (made,) = await listed(browser)
    path = f"/api/marks/{made['id']}"
    assert error(await browser.request("DELETE", path, {"Origin": browser.origin}))["code"] == "bad_csrf_token"
    token = (await browser.get("/settings")).csrf_token
    foreign = {"Origin": "https://evil.example", "X-CSRF-Token": token}
    assert error(await browser.request("DELETE", path, foreign))["code"] == "foreign_origin"
    fields = {"event_id": str(filled.ids[0]), "note": "planted"}
    assert error(await browser.request("POST", "/api/marks", foreign, data=fields))["code"] == "foreign_origin"
    assert error(await browser.post("/api/marks", fields))["code"] == "bad_csrf_token"
    for form in ("note", "delete"):
        assert (await browser.post(f"/marks/{made['id']}/{form}", {"note": "planted"})).status == 403
    bearer = {"Authorization": f"Bearer {await browser.create_token()}"}
    assert (await served.browser().request("DELETE", path, bearer)).status == 401
    assert await listed(browser) == [made]


@ensureDeferred
async def test_members_share_and_strangers_see_nothing(served: Served, dsn: str) -> None:
    filled = await fill(served, 2)
    await mark(filled, note="ours alone")
    (made,) = await listed(filled.browser)
    other, user_id = served.browser(), filled.destination.user_id
    await other.register("other@example.com")
    assert await listed(other) == []
    assert (await other.get(f"/api/marks?user_id={user_id}&events=yes")).status == 403
    assert "ours alone" not in (await other.get("/marks")).text
    for form in ("note", "delete"):
        assert (await other.submit(f"/marks/{made['id']}/{form}", {"note": "stolen"}, on="/settings")).status == 404
    assert (await call(other, "DELETE", f"/api/marks/{made['id']}")).status == 404
    for fields in ({"event_id": made["event_id"], "user_id": user_id}, {"event_id": made["event_id"]}):
        assert (await call(other, "POST", "/api/marks", note="stolen", **fields)).status in (403, 404)
    assert await listed(filled.browser) == [made]
    execute(
        dsn,
        "INSERT INTO membership SELECT id, %s, 'member' FROM account WHERE email = 'other@example.com'",
        [filled.destination.id],
    )
    assert await listed(other) == [made]
    page = await call(other, "POST", "/api/marks", note="mine", user_id=user_id, event_id=made["event_id"])
    assert page.status == 201
    assert [(each["note"], each["marked_by"]) for each in await listed(filled.browser)] == [
        ("mine", "other@example.com")
    ]
    assert (await other.submit(f"/marks/{made['id']}/delete", {}, on="/marks")).status == 303
    assert await listed(filled.browser) == []


# The page


@ensureDeferred
async def test_the_page_lists_when_where_and_what_with_the_note(served: Served) -> None:
    filled = await fill(served, 2)
    await mark(filled, note=HOSTILE)
    page = await filled.browser.get("/marks")
    user_id = filled.destination.user_id.replace(":", "%3A")
    assert f'href="/events/{filled.ids[1]}?user_id={user_id}"' in page.text
    assert "<script>" not in page.text
    assert page.text.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2, "the note, and the field that changes it"
    assert "by user@gmail.com" in page.text
    assert 'aria-current="page">Marked lines' in page.text
    assert 'href="/marks"' in (await filled.browser.get("/saved")).text


@ensureDeferred
async def test_the_note_outlives_its_event(served: Served, dsn: str) -> None:
    filled = await fill(served, 2)
    await mark(filled)
    execute(dsn, "DELETE FROM event WHERE id = %s", [filled.ids[1]])
    page = await filled.browser.get("/marks")
    assert "Expired: the line is deleted, its note remains." in page.text
    assert "here it began" in page.text
    assert f"/events/{filled.ids[1]}" not in page.text
    (made,) = await listed(filled.browser, "?events=yes")
    assert made["event"] is None


@ensureDeferred
async def test_the_link_to_an_event_that_is_gone_still_says_its_note(serve: Serve, dsn: str) -> None:
    filled = await fill(serve(retention_days=7), 2)
    gone = filled.ids[1] - 8 * DAY
    execute(dsn, "INSERT INTO mark VALUES (%s, DEFAULT, %s, %s, NULL, 0)", [filled.destination.id, gone, "<i>why"])
    page = await filled.browser.get(f"/events/{gone}")
    assert page.status == 410
    assert "Its note: “&lt;i&gt;why”" in page.text
    other = filled.served.browser()
    await other.register("other@example.com")
    assert "why" not in (await other.get(f"/events/{gone}?user_id={filled.destination.user_id}")).text


@ensureDeferred
async def test_a_note_is_changed_and_a_mark_removed_without_javascript(served: Served) -> None:
    filled = await fill(served, 2)
    await mark(filled)
    (made,) = await listed(filled.browser)
    page = await filled.browser.submit(f"/marks/{made['id']}/note", {"note": "no, later"}, on="/marks")
    assert (page.status, page.location) == (303, "/marks")
    assert [each["note"] for each in await listed(filled.browser)] == ["no, later"]
    page = await filled.browser.submit(f"/marks/{made['id']}/note", {"note": "x" * 501}, on="/marks")
    assert page.status == 400
    assert "at most 500 characters" in page.text
    assert "x" * 501 in page.text, "what was typed stays"
    assert (await filled.browser.get(f"/marks/{made['id']}/note")).location == "/marks"
    page = await filled.browser.submit(f"/marks/{made['id']}/delete", {}, on="/marks")
    assert (page.status, page.location) == (303, "/marks")
    assert "No line is marked yet." in (await filled.browser.get("/marks")).text


@pytest.mark.parametrize("path", ["/marks/1/note", "/marks/1/delete"])
@ensureDeferred
async def test_without_a_login_the_page_leads_there_and_back(browser: Browser, path: str) -> None:
    assert (await browser.get("/marks")).location == "/login?next=/marks"
    page = await browser.post(path, {"csrf_token": "x"})
    assert (page.status, page.location) == (303, "/login?next=/marks")


# The link to an event


@ensureDeferred
async def test_the_link_to_a_marked_event_brings_its_note(served: Served) -> None:
    filled = await fill(served, 2)
    await mark(filled, note=HOSTILE)
    page = await filled.browser.get(f"/events/{filled.ids[1]}")
    (_, _, rest) = page.text.partition("data-mark='")
    carried = json.loads(html.unescape(rest.partition("'")[0]))
    assert (carried["event_id"], carried["note"]) == (str(filled.ids[1]), HOSTILE)
    assert "<script>alert" not in page.text
    assert "data-mark" not in (await filled.browser.get(f"/events/{filled.ids[0]}")).text
