"""Taking data from the viewer: a file with all that the search finds, and a link to what is shown."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import boxes, ingest, lines, shown, until_settled, until_shown
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

LINES = b"<11>1 - web-01 app - - - bad one\n<14>1 - web-01 app - - - good\n<11>1 - web-01 app - - - bad two\n"


def _open(ppl: PplProcess, open_page: OpenPage, query: str, last: str, **options: object) -> Page:
    who = ppl.register()
    ingest(ppl, who, LINES)
    page = open_page(ppl, who, path=f"/?q={query}", **options)
    until_shown(page, last)
    return page


def _menu(page: Page) -> None:
    page.locator("#download summary").click()
    expect(page.locator("#download .what")).not_to_be_empty()


def _downloaded(page: Page) -> tuple[str, bytes]:
    with page.expect_download() as download:
        page.locator("#download").get_by_role("button", name="Download").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_a_download_is_what_the_search_finds_in_each_format(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, "severity%3Aerr", "bad two")
    _menu(page)
    expect(page.locator("#download .what")).to_have_text("All lines that severity:err finds, oldest first:")
    name, content = _downloaded(page)
    assert name.endswith(".log")
    assert [line.partition("app: ")[2] for line in content.decode().splitlines()] == ["bad one", "bad two"]
    expect(page.locator("#download .said")).to_have_text("Complete: 2 lines.")
    page.get_by_label("JSON lines").check()
    page.get_by_label("Compressed (gzip)").check()
    name, content = _downloaded(page)
    assert name.endswith(".jsonl.gz")
    assert [json.loads(line)["message"] for line in gzip.decompress(content).splitlines()] == ["bad one", "bad two"]
    page.get_by_label("Compressed (gzip)").uncheck()
    for label, suffix in (("CSV", ".csv"), ("Papertrail", ".tsv")):
        page.get_by_label(label).check()
        name, content = _downloaded(page)
        assert name.endswith(suffix)
        assert content.count(b"bad") == 2
        assert b"good" not in content
    assert "q=severity%3Aerr" in page.url


def test_the_link_to_the_view_shows_the_same_lines_when_more_have_come(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1, 2))
    page = open_page(ppl_process, who, path="/?q=line+after%3A1h", permissions=["clipboard-read", "clipboard-write"])
    until_shown(page, "line 2")
    page.keyboard.press("Y")
    expect(page.locator("#download .view button")).to_have_text("Copied")
    link = page.evaluate("() => navigator.clipboard.readText()")
    (query,) = parse_qs(urlsplit(link).query)["q"]
    assert query.startswith("line after:20")
    assert " before:20" in query
    ingest(ppl_process, who, lines(3))
    until_shown(page, "line 3")
    page.goto(link)
    eventually(lambda: shown(page) == ["line 1", "line 2"], "the lines of the link")


def test_the_menu_is_worked_by_keys_and_says_when_it_cannot_be_loaded(
    ppl_process: PplProcess, open_page: OpenPage
) -> None:
    page = _open(ppl_process, open_page, "", "bad two")
    page.expected_errors = ["ERR_FAILED"]  # type: ignore[attr-defined]
    page.route("**/download.js", lambda route: route.abort())
    page.locator("#download summary").press("Enter")
    expect(page.locator("#status .problem")).to_have_text("The server cannot be reached.")
    page.keyboard.press("Escape")
    expect(page.locator("#download .panel")).to_be_hidden()
    expect(page.locator("#download summary")).to_be_focused()


def test_a_download_begun_before_the_menu_has_loaded_comes(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, "severity%3Aerr", "bad two")
    held: list[Route] = []
    page.route("**/download.js", lambda route: held.append(route))
    page.locator("#download summary").click()
    page.locator("#download").get_by_role("button", name="Download").click()
    eventually(lambda: page.title() and held, "the menu is loaded")
    with page.expect_download() as download:
        held[0].continue_()
    assert Path(download.value.path()).read_bytes().count(b"bad") == 2
    assert page.url.endswith("/?q=severity%3Aerr")


def test_a_link_asked_for_before_the_menu_has_loaded_is_copied(ppl_process: PplProcess, open_page: OpenPage) -> None:
    page = _open(ppl_process, open_page, "severity%3Aerr", "bad two", permissions=["clipboard-read", "clipboard-write"])
    held: list[Route] = []
    page.route("**/download.js", lambda route: held.append(route))
    page.locator("#download summary").click()
    page.get_by_role("button", name="Copy link to this view").click()
    eventually(lambda: page.title() and held, "the menu is loaded")
    held[0].continue_()
    expect(page.locator("#download .view button")).to_have_text("Copied")
    assert "q=severity%3Aerr" in page.evaluate("() => navigator.clipboard.readText()")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
def test_the_menu_fits(ppl_process: PplProcess, open_page: OpenPage, width: int, scheme: str) -> None:
    viewport = {"width": width, "height": 800}
    page = _open(ppl_process, open_page, "", "bad two", viewport=viewport, color_scheme=scheme, has_touch=width == 390)
    until_settled(page)
    _menu(page)
    (box,) = boxes(page.locator("#download .panel"))
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    if width == 390:
        sizes = page.locator("#download label, #download button, #download summary").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 40
        search, menu = boxes(page.locator("#search"), page.locator("#download summary"))
        assert abs(search["y"] - menu["y"]) < 10, "in one row"
