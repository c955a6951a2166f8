"""Archives for programs: accounts that may read the destination list and download them, and nobody else."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import treq
from pytest_twisted import ensureDeferred
from twisted.internet import reactor

from ppl.archive.archiver import Archiver, ArchiverLimits
from ppl.archive.directory import DirectoryPlace
from ppl.model import DAY
from ppl.store.postgres import PostgresStore
from tests.store.samples import T0, events
from tests.web.conftest import Serve, Served

DAY0 = T0 - T0 % DAY


@pytest.fixture
def place(tmp_path: Path) -> DirectoryPlace:
    return DirectoryPlace(tmp_path / "archive")


async def archived(serve: Serve, store: PostgresStore, dsn: str, place: DirectoryPlace | None) -> tuple[Served, Any]:
    served = serve(place=place)
    browser = served.browser()
    assert (await browser.register("user@gmail.com")).status == 303
    (destination,) = await store.destinations()
    for day in range(2):
        texts = [f"line {number}" for number in range(20_000)]
        await store.append([events(DAY0 + day * DAY, texts, destination=destination)])
    if place is not None:
        limits = ArchiverLimits(look_seconds=0.001)
        await Archiver(reactor, dsn, lambda: DAY0 + 3 * DAY, place, limits=limits).run()
    return served, browser


@ensureDeferred
async def test_they_are_listed_newest_first_and_downloaded_whole(
    serve: Serve, store: PostgresStore, dsn: str, place: DirectoryPlace
) -> None:
    served, browser = await archived(serve, store, dsn, place)
    listed = json.loads((await browser.get("/api/archives")).text)["archives"]
    assert [(each["date"], each["events"], each["downloadable"]) for each in listed] == [
        ("2023-11-15", 20_000, True),
        ("2023-11-14", 20_000, True),
    ]
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in browser.cookies.items())}
    response = await treq.get(f"{served.url}/api/archives/2023-11-14", headers=cookie, persistent=False)
    body = await response.content()
    assert response.code == 200
    assert len(body) == listed[1]["bytes"]
    assert response.headers.getRawHeaders("content-disposition")[0].endswith('2023-11-14.parquet"')
    table = pq.read_table(io.BytesIO(body))
    assert table.num_rows == 20_000
    assert table["message"][7].as_py() == "line 7"


@ensureDeferred
async def test_nobody_else_sees_them(serve: Serve, store: PostgresStore, dsn: str, place: DirectoryPlace) -> None:
    served, _ = await archived(serve, store, dsn, place)
    (destination,) = await store.destinations()
    other = served.browser()
    assert (await served.browser().get("/api/archives")).status == 401
    assert (await other.register("other@gmail.com")).status == 303
    for path in ("/api/archives", "/api/archives/2023-11-14"):
        page = await other.get(f"{path}?user_id={destination.user_id}")
        assert page.status == 403
    assert json.loads((await other.get("/api/archives")).text) == {"archives": []}
    assert (await other.get("/api/archives/2023-11-14")).status == 404


@pytest.mark.parametrize("date", ["2023-11-16", "9999-99-99"])
@ensureDeferred
async def test_a_day_that_is_not_archived_is_not_found(
    serve: Serve, store: PostgresStore, dsn: str, place: DirectoryPlace, date: str
) -> None:
    _, browser = await archived(serve, store, dsn, place)
    assert (await browser.get(f"/api/archives/{date}")).status == 404


@ensureDeferred
async def test_what_is_not_where_it_was_put_is_said_without_saying_where(
    serve: Serve, store: PostgresStore, dsn: str, place: DirectoryPlace, tmp_path: Path
) -> None:
    _, browser = await archived(serve, store, dsn, place)
    for file in place.root.rglob("*.parquet"):
        file.unlink()
    page = await browser.get("/api/archives/2023-11-14")
    assert page.status == 404
    assert str(tmp_path) not in page.text
    elsewhere = serve(place=None).browser()
    elsewhere.cookies = dict(browser.cookies)
    assert not json.loads((await elsewhere.get("/api/archives")).text)["archives"][0]["downloadable"]
    assert (await elsewhere.get("/api/archives/2023-11-14")).status == 404
