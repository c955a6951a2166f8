"""Exports and archives on the settings page, with forms and links alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred

from ppl.archive.directory import DirectoryPlace
from tests.fixtures.database import execute
from tests.store.samples import T0, events
from tests.web.browsing import Browser
from tests.web.conftest import Serve, Served


def note(dsn: str, destination_id: int, days: int, place: str) -> None:
    """Record archives of the last ``days`` before 2024."""
    execute(
        dsn,
        "INSERT INTO archive SELECT %s, day, %s, 'k', 1234, 7654321, 0 FROM generate_series(%s, 19722) day",
        [destination_id, place, 19722 - days + 1],
    )


@ensureDeferred
async def test_the_form_leads_to_the_export(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    (destination,) = await served.store.destinations()
    await served.store.append([events(T0, ["a bad day", "a good day"], destination=destination)])
    assert 'action="/settings/export"' in (await browser.get("/settings")).text
    page = await browser.get(f"/settings/export?user_id={destination.user_id}&q=bad+day&format=json")
    assert page.status == 303
    assert page.location
    assert page.location.startswith("/api/export?")
    (line,) = (await browser.get(page.location)).text.splitlines()
    assert json.loads(line)["message"] == "a bad day"


@ensureDeferred
async def test_a_wrong_query_leads_back_to_the_form(served: Served, browser: Browser) -> None:
    await browser.register("user@gmail.com")
    page = await browser.get("/settings/export?q=severity%3A%28&format=text")
    assert page.status == 400
    assert "At character 11 of the query: expected" in page.text
    assert 'value="severity:("' in page.text


@pytest.mark.parametrize("path", ["/settings/export", "/settings/archives"])
@ensureDeferred
async def test_only_of_destinations_that_one_may_read(served: Served, browser: Browser, path: str) -> None:
    await browser.register("user@gmail.com")
    (destination,) = await served.store.destinations()
    other = served.browser()
    await other.register("other@gmail.com")
    assert (await other.get(f"{path}?user_id={destination.user_id}")).status == 403
    assert (await served.browser().get(path)).location == f"/login?next={path}"


@ensureDeferred
async def test_the_newest_archives_are_on_the_page_and_all_by_years(serve: Serve, dsn: str, tmp_path: Path) -> None:
    served = serve(place=DirectoryPlace(tmp_path))
    browser = served.browser()
    await browser.register("user@gmail.com")
    (destination,) = await served.store.destinations()
    assert "is archived yet: each day is archived after midnight UTC" in (await browser.get("/settings")).text
    assert "No day is archived" in (await browser.get("/settings/archives")).text
    note(dsn, destination.id, 400, str(tmp_path))
    user_id = destination.user_id.replace(":", "%3A")
    page = await browser.get("/settings")
    assert page.text.count("/api/archives/") == 5
    assert f'<a href="/api/archives/2023-12-31?user_id={user_id}" download>2023-12-31</a>' in page.text
    assert f'href="/settings/archives?user_id={user_id}">All 400 days' in page.text
    page = await browser.get(f"/settings/archives?user_id={user_id}")
    assert page.text.count("/api/archives/2023-") == 365
    page = await browser.get(f"/settings/archives?user_id={user_id}&year=2022")
    assert page.text.count("/api/archives/2022-") == 35
    assert "2023-12-31" not in page.text
    assert "1,234 events, 7.7 MB" in page.text


@ensureDeferred
async def test_what_is_kept_elsewhere_is_no_link(served: Served, browser: Browser, dsn: str) -> None:
    await browser.register("user@gmail.com")
    (destination,) = await served.store.destinations()
    note(dsn, destination.id, 1, "s3://elsewhere")
    page = await browser.get("/settings")
    assert "2023-12-31" in page.text
    assert "stored where this server cannot reach it" in page.text
    assert "/api/archives/" not in page.text
    assert "elsewhere" not in page.text
