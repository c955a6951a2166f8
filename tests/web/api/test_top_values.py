"""``/api/top-values``: the most frequent values of a field, counted from the newest events on."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from ppl.model import MINUTE
from ppl.store.events.searching import SearchLimits
from tests.store.samples import events
from tests.web.api.test_events import Filled, code, fill
from tests.web.conftest import Served


async def filled_with_fields(served: Served, count: int = 20) -> Filled:
    """An account with events a second apart, the last one now; every third has another status and no field ``id``."""
    filled = await fill(served, 1)
    at = served.clock() - count * 1_000_000
    for number in range(count):
        found: dict[str, Any] = {"status": 200, "id": number} if number % 3 else {"status": "404", "tags": ["a", "b"]}
        batch = events(at + number * 1_000_000, [json.dumps(found)], destination=filled.destination)
        await served.store.append([batch])
    return filled


def counts(got: Any) -> dict[str, int]:
    return {each["value"]: each["count"] for each in got["values"]}


@ensureDeferred
async def test_the_values_of_a_field_are_counted(served: Served) -> None:
    filled = await filled_with_fields(served)
    got = await filled.get("/api/top-values?field=status")
    assert (got["field"], got["complete"]) == ("status", True)
    assert got["values"] == [{"value": "200", "count": 13}, {"value": "404", "count": 7}]
    assert got["others"] == {"values": 0, "count": 0}
    assert counts(await filled.get("/api/top-values?field=tags")) == {"a": 7, "b": 7}
    assert counts(await filled.get("/api/top-values?field=nothing")) == {}
    assert counts(await filled.get("/api/top-values?field=status&q=id:<5")) == {"200": 3}


@ensureDeferred
async def test_less_frequent_values_are_counted_as_others(served: Served) -> None:
    filled = await filled_with_fields(served)
    got = await filled.get("/api/top-values?field=id&limit=3")
    assert counts(got) == {"1": 1, "10": 1, "11": 1}
    assert got["others"] == {"values": 10, "count": 10}


@pytest.mark.parametrize("search_limits", [SearchLimits(first_scan=3, most_scan=3)], ids=["small steps"])
@ensureDeferred
async def test_a_count_goes_on_where_the_last_answer_came_to(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ppl.web.api.top_values.FIRST_SECONDS", 0.0)
    filled = await filled_with_fields(served)
    got = await filled.get("/api/top-values?field=status")
    assert not got["complete"]
    assert 0 < sum(counts(got).values()) < 20
    more = await filled.get(f"/api/top-values?field=status&before={got['reached']}")
    assert more["complete"]
    assert Counter(counts(got)) + Counter(counts(more)) == {"200": 13, "404": 7}


@ensureDeferred
async def test_only_the_range_is_counted(served: Served) -> None:
    filled = await filled_with_fields(served)
    until = (served.clock() - 10 * MINUTE) // 1_000_000
    assert counts(await filled.get(f"/api/top-values?field=status&to={until}")) == {}


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("", "bad_request"),
        ("?field=", "bad_request"),
        (f"?field={'a' * 257}", "bad_request"),
        ("?field=a%00", "bad_request"),
        ("?field=a&limit=0", "bad_request"),
        ("?field=a&limit=5001", "bad_request"),
        ("?field=a&from=100&to=50", "bad_request"),
        ("?field=a&q=(", "bad_query"),
    ],
)
@ensureDeferred
async def test_a_wrong_request_is_refused(served: Served, path: str, refused: str) -> None:
    filled = await fill(served, 1)
    page = await filled.browser.get(f"/api/top-values{path}")
    assert (page.status, code(page)) == (400, refused)


@pytest.mark.parametrize("most_searches", [1])
@ensureDeferred
async def test_a_count_is_one_of_the_accounts_counts_and_ends_with_its_answer(served: Served) -> None:
    filled = await filled_with_fields(served)
    for _ in range(3):
        assert (await filled.browser.get("/api/top-values?field=status")).status == 200
