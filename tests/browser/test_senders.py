"""The senders page and the dashboard in a real browser: they show the counts, with and without scripts."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import every_look, ingest
from tests.fixtures.running import PplProcess, Registered, eventually


def lines() -> bytes:
    return b"".join(
        b"<%d>1 - web-%02d %s - - - line %d\n" % (8 + number % 8, number % 4, (b"nginx", b"cron")[number % 2], number)
        for number in range(200)
    ) + b"<13>1 - %s app - - - long\n" % (b"a-host-with-a-name-that-is-as-long-as-one-may-be." * 5)


@pytest.fixture(scope="module")
def counted(ppl_process: PplProcess) -> Registered:
    """An account whose senders the census has counted."""
    who = ppl_process.register()
    ingest(ppl_process, who, lines())
    count = (
        "SELECT sum(count) FROM sender JOIN destination ON destination.id = destination_id WHERE kind = 0 AND port = %s"
    )
    eventually(lambda: ppl_process.rows(count, who.port) == [(201,)], "the census")
    return who


def test_senders_are_shown_sorted_and_lead_to_their_lines(
    ppl_process: PplProcess, open_page: OpenPage, counted: Registered
) -> None:
    page = open_page(ppl_process, counted, path="/")
    page.get_by_role("link", name="Senders").click()
    expect(page.locator("tbody tr")).to_have_count(5)
    page.get_by_role("columnheader", name="Host").get_by_role("link").click()
    expect(page.locator("tbody th").nth(1)).to_have_text("web-00")
    page.get_by_role("link", name="Programs").click()
    expect(page.locator("tbody th")).to_have_text(["app", "cron", "nginx"])
    page.get_by_role("link", name="nginx").click()
    page.wait_for_url("**&q=program%3A%3Dnginx")


def test_the_dashboard_shows_volume_and_senders(
    ppl_process: PplProcess, open_page: OpenPage, counted: Registered
) -> None:
    page = open_page(ppl_process, counted, path="/dashboard")
    expect(page.locator(".tiles dd").first).to_have_text("201")
    heights = page.evaluate(
        "() => [...document.querySelectorAll('.volume rect')].map(each => each.getBoundingClientRect().height)"
    )
    assert len(heights) >= 5
    assert min(heights) > 0
    page.get_by_text("Volume as a table").click()
    expect(page.get_by_role("row").filter(has_text="201").first).to_be_visible()
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("link", name="7 days")).to_have_attribute("aria-current", "true")


@pytest.mark.long
@pytest.mark.parametrize("path", ["/senders", "/dashboard"])
@every_look
def test_the_pages_fit_without_scripts(
    ppl_process: PplProcess, open_page: OpenPage, counted: Registered, path: str, scheme: str, width: int
) -> None:
    page = open_page(
        ppl_process, counted, path, color_scheme=scheme, viewport={"width": width, "height": 800},
        java_script_enabled=False,
    )  # fmt: skip
    assert page.locator("html").bounding_box()["width"] <= width
    for summary in page.locator("summary").all():
        summary.click()
    # Of a page with hundreds of elements, each in a call of its own would take minutes on a busy machine.
    wide = page.locator("main :not(.scroll *):visible").evaluate_all(
        "(all, width) => all.filter(each => each.getBoundingClientRect().width > 1"
        " && each.getBoundingClientRect().right > width + 0.5).map(each => each.innerText ?? each.outerHTML)",
        width,
    )
    assert wide == []
    if width == 390:
        small = page.locator("main thead a:visible, main .name a:visible, nav a:visible, summary:visible").evaluate_all(
            "all => all.filter(each => each.getBoundingClientRect().height < 40).map(each => each.innerText)"
        )
        assert small == []
