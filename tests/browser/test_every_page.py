"""What holds for every page: axe finds nothing, every control can be reached by key, and tapped on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import OpenPage
from tests.browser.every_page import PAGES, Accounts, Visitor, populate
from tests.browser.looking import lines, until_shown, until_state
from tests.fixtures.running import PplProcess, running, temporary_directory

pytestmark = [pytest.mark.browser, pytest.mark.long]

#: Finds controls too small to tap: below 40 px. Links within a sentence and controls in log lines count as text.
_SMALL = """() => {
  const found = [];
  const inText = (each) => each.matches("p a, dd a, td a, .hint a, #log .row *, #details .json *");
  const targets = "a, button, select, textarea, summary, input:not([type=hidden]), [role=tab], [role=button]";
  for (const each of document.querySelectorAll(targets)) {
    const whole = each.matches("input[type=checkbox], input[type=radio]") ? each.closest("label") ?? each : each;
    if (!whole.checkVisibility({visibilityProperty: true, opacityProperty: true}) || inText(each)) continue;
    const box = whole.getBoundingClientRect();
    if (box.width && box.height && (box.width < 39.5 || box.height < 39.5)) {
      found.push(`${whole.outerHTML.slice(0, 120)}: ${box.width.toFixed(0)} x ${box.height.toFixed(0)}`);
    }
  }
  return found;
}"""

#: Finds elements that are cut off: outside the screen, or with text wider than their box that cannot be scrolled.
_CUT_OFF = """() => {
  const found = [];
  for (const each of document.body.querySelectorAll("*")) {
    if (!each.checkVisibility({visibilityProperty: true}) || each.closest(".unseen")) continue;
    const box = each.getBoundingClientRect();
    const style = getComputedStyle(each);
    const isCut = each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0 && style.display !== "inline"
      && ["hidden", "clip"].includes(style.overflowX) && style.textOverflow !== "ellipsis"
      && !each.matches("input, #log");
    let isCutOption = false;
    if (each.matches("select")) {
      const pen = document.createElement("canvas").getContext("2d");
      pen.font = style.font;
      const room = each.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
      isCutOption = pen.measureText(each.selectedOptions[0].text).width > room;
    }
    if (box.width && (box.left < -1 || box.right > innerWidth + 1 || isCut || isCutOption)) {
      found.push(`${each.outerHTML.slice(0, 120)}: ${box.left.toFixed(0)} to ${box.right.toFixed(0)}`);
    }
  }
  return found;
}"""


#: Numbers the elements that Tab must stop at, in document order, and focuses the first. A group of radio buttons is one
#: stop; if something is open over the page, only its elements count.
_TO_REACH = """() => {
  const seen = new Set();
  let number = 0;
  const root = document.querySelector("dialog[open], .menu[open], :popover-open") ?? document;
  const stops = "a[href], button, select, textarea, summary, input:not([type=hidden]), [tabindex]";
  for (const each of root.querySelectorAll(stops)) {
    if (!each.checkVisibility({visibilityProperty: true}) || each.disabled) continue;
    if (each.tabIndex < 0 || each.closest("[inert]")) continue;
    const group = each.type === "radio" ? each.closest("fieldset, form") : each;
    if (seen.has(group)) continue;
    seen.add(group);
    if (each.type === "radio") for (const one of group.querySelectorAll("input[type=radio]")) one.dataset.stop = number;
    each.dataset.stop = number;
    number += 1;
  }
  // Of radio buttons the one that is chosen takes the focus.
  (root.querySelector("[data-stop='0']:checked") ?? root.querySelector("[data-stop='0']")).focus();
  return number;
}"""

#: The number of the focused element, and whether its focus is visible.
_FOCUSED = """() => {
  const each = document.activeElement;
  const style = getComputedStyle(each);
  const isSeen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1.5;
  return [Number(each.dataset.stop ?? -1), isSeen, each.outerHTML.slice(0, 160)];
}"""

#: Collects in ``heard`` what live regions tell screen readers.
_LISTEN = """() => {
  globalThis.heard = [];
  const live = "[role=status], [role=alert], [role=log], [aria-live=polite], [aria-live=assertive]";
  for (const region of document.querySelectorAll(live)) {
    new MutationObserver(() => heard.push(region.textContent.trim()))
      .observe(region, {subtree: true, childList: true, characterData: true});
  }
}"""


@pytest.fixture(scope="module")
def ppl(module_dsn: str) -> Iterator[PplProcess]:
    """One Ppl for all tests of this module."""
    with temporary_directory() as directory:
        process = PplProcess(module_dsn, directory, environment={"PPL_ARCHIVE": str(directory / "archive")})
        process.start()
        yield process
        process.stop()


@pytest.fixture(scope="module")
def accounts(ppl: PplProcess) -> Accounts:
    return populate(ppl)


Visit = Callable[..., Page]


@pytest.fixture
def visit(ppl: PplProcess, accounts: Accounts, open_page: OpenPage) -> Visit:
    """Opens a page by its name."""

    def go(name: str, width: int = 1280, **options: str) -> Page:
        chosen = {"viewport": {"width": width, "height": 844}, "reduced_motion": "reduce", **options}
        return PAGES[name](Visitor(ppl, accounts, open_page, chosen))

    return go


#: The pages of the quick suite; the others are variants of these.
USUAL = (
    "login", "register", "first line", "live", "paused", "searched", "details", "keys", "settings", "senders",
    "dashboard", "saved searches", "marks", "marking", "not found",
)  # fmt: skip
every_page = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in USUAL else pytest.mark.long) for name in PAGES]
)


@every_page
def test_axe_finds_nothing_wide_or_narrow_dark_or_light(visit: Visit, name: str) -> None:
    scan(visit(name))


@pytest.mark.long
def test_axe_finds_nothing_where_registration_is_closed(dsn: str, short_directory: Path, open_page: OpenPage) -> None:
    for process in running(PplProcess(dsn, short_directory, environment={"PPL_REGISTRATION": "closed"})):
        page = open_page(process, path="/register")
        page.expected_errors = ["403"]  # type: ignore[attr-defined]
        expect(page.get_by_role("heading")).to_be_visible()
        scan(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390, "no sideways scroll"


def scan(page: Page) -> None:
    """Check the page wide and narrow, dark and light; afterwards it is narrow and light."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("dark", "light"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            found = violations(page)
            assert not found, f"{scheme}, {width} wide:\n" + "\n".join(found)


@every_page
def test_on_a_telephone_nothing_is_cut_off_or_too_small_to_hit(visit: Visit, name: str) -> None:
    page = visit(name, 390)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390, "no sideways scroll"
    cut_off, small = page.evaluate(_CUT_OFF), page.evaluate(_SMALL)
    assert not cut_off, "cut off:\n" + "\n".join(cut_off)
    assert not small, "smaller than 40 px:\n" + "\n".join(small)


@every_page
def test_the_tab_key_reaches_everything_in_order_and_shows_where_it_is(visit: Visit, name: str) -> None:
    page = visit(name)
    stops = page.evaluate(_TO_REACH)
    if stops > 1:
        page.keyboard.press("Tab")
        page.keyboard.press("Shift+Tab")
    reached: list[int] = []
    for _ in range(stops):
        number, is_seen, what = page.evaluate(_FOCUSED)
        reached.append(number)
        assert is_seen, f"it cannot be seen that this has the focus: {what}"
        page.keyboard.press("Tab")
    assert reached == list(range(stops))


@pytest.mark.parametrize("name", ["live", "first line", "paused"])
def test_nothing_moves_for_whoever_wants_less_motion(visit: Visit, name: str) -> None:
    assert visit(name).evaluate("() => document.getAnimations().length") == 0


def test_a_change_of_state_is_announced_and_lines_are_not(ppl: PplProcess, accounts: Accounts, visit: Visit) -> None:
    page = visit("live")
    page.evaluate(_LISTEN)
    ppl.send(accounts.busy.port, lines(*range(300, 340)))
    until_shown(page, "line 339")
    assert page.evaluate("() => heard") == []
    page.keyboard.press(" ")
    until_state(page, "Paused")
    assert page.evaluate("() => heard") == ["Paused — Space"]
    ppl.send(accounts.busy.port, lines(*range(340, 380)))
    expect(page.locator("#pill")).to_contain_text("40 new lines")
    assert page.evaluate("() => heard") == ["Paused — Space"]
