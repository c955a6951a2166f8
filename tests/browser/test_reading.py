"""Reading in the viewer: keys without a focus, the bottom of the list, switching destinations, and contrast."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import (
    ingest,
    lines,
    scroll,
    shown,
    state,
    until_scrolled,
    until_settled,
    until_shown,
    until_state,
    wheel,
)
from tests.fixtures.running import PplProcess, eventually

pytestmark = pytest.mark.browser

_EVERY_SEVERITY = b"".join(b"<%d>1 - web-01 app 42 - - severity %d\n" % (8 + each, each) for each in range(8))


def test_keys_scroll_the_log_though_nothing_has_the_focus(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(200)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 199")
    until_settled(page)
    top = scroll(page)["top"]
    page.keyboard.press("PageUp")
    until_state(page, "Paused — scrolled up")
    eventually(lambda: scroll(page)["top"] < top, "a page further up")


def test_a_leap_to_the_top_pauses_and_brings_history(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(300)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 299")
    until_settled(page)
    assert len(shown(page)) == 200
    # As with the scrollbar or a flick: the top is reached before the page hears of any movement.
    page.evaluate("() => { document.getElementById('log').scrollTop = 0 }")
    until_state(page, "Paused — scrolled up")
    eventually(lambda: shown(page)[0] == "line 0", "the oldest line")


def test_the_wheel_turned_up_where_all_is_in_sight_pauses_nothing(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(1, 2))
    page = open_page(ppl_process, who)
    until_shown(page, "line 2")
    wheel(page, -400)
    ppl_process.send(who.port, lines(3))
    until_shown(page, "line 3")
    eventually(lambda: state(page) == "Live", "it is live all the time")


def test_turning_the_wheel_down_at_the_bottom_resumes(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(100)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 99")
    page.keyboard.press(" ")
    until_state(page, "Paused — Space")
    wheel(page, 100)
    until_state(page, "Live")


def test_a_reader_who_scrolls_down_through_history_ends_live(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, lines(*range(3600)))
    page = open_page(ppl_process, who)
    until_shown(page, "line 3599")
    until_settled(page)
    top = scroll(page)["top"]
    wheel(page, -400)
    until_state(page, "Paused")
    until_scrolled(page, top)

    def up() -> bool:
        page.evaluate("() => { document.getElementById('log').scrollTop = 0 }")
        return page.locator(".note").count() == 1

    eventually(up, "the beginning of history", 40)
    assert shown(page)[-1] != "line 3599", "the newest rows were forgotten"

    def down() -> bool:
        wheel(page, 20_000)
        return state(page) == "Live"

    eventually(down, "live again", 40)
    ppl_process.send(who.port, lines(3600))
    until_shown(page, "line 3600")
    texts = shown(page)
    assert texts == [f"line {number}" for number in range(int(texts[0].split()[1]), 3601)]


def test_the_chosen_destination_is_kept_in_the_address(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who, other = ppl_process.register(), ppl_process.register()
    ingest(ppl_process, who, b"<13>1 - h a - - - mine\n")
    ingest(ppl_process, other, b"<13>1 - h a - - - shared\n")
    ppl_process.rows(
        "INSERT INTO membership (account_id, destination_id, role)"
        " SELECT account.id, destination.id, 'member' FROM account, destination WHERE email = %s AND port = %s",
        who.email,
        other.port,
    )
    page = open_page(ppl_process, who)
    until_shown(page, "mine")
    page.get_by_label("Destination").select_option(other.user_id)
    until_shown(page, "shared")
    assert shown(page) == ["shared"]
    page.reload()
    until_shown(page, "shared")
    page.go_back()
    until_shown(page, "mine")
    expect(page.get_by_label("Destination")).to_have_value(who.user_id)
    page.go_forward()
    until_shown(page, "shared")
    expect(page.get_by_label("Destination")).to_have_value(other.user_id)


def test_severities_are_words(ppl_process: PplProcess, open_page: OpenPage) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, _EVERY_SEVERITY)
    page = open_page(ppl_process, who)
    until_shown(page, "severity 7")
    assert page.locator("#log .tag").all_inner_texts() == ["EMERG", "ALERT", "CRIT", "ERR", "WARN", "DEBUG"]
    ingest(ppl_process, who, b"<37>1 - h sshd - - - accepted\n")
    until_shown(page, "accepted")
    marked = page.locator("#log .row.notice .message")
    assert marked.all_inner_texts() == ["accepted"], "user.notice is what senders without an opinion write"


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_every_text_of_a_row_stands_out_from_its_tint(
    ppl_process: PplProcess, open_page: OpenPage, scheme: str
) -> None:
    who = ppl_process.register()
    ingest(ppl_process, who, _EVERY_SEVERITY)
    page = open_page(ppl_process, who, color_scheme=scheme)
    until_shown(page, "severity 7")
    assert {each: ratio for each, ratio in contrasts(page).items() if ratio < 4.5} == {}


def contrasts(page: Page) -> dict[str, float]:
    """The WCAG contrast of each text with its background; a canvas mixes the colours as the page does."""
    return page.evaluate(
        """() => {
            const pen = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext(
                "2d", {willReadFrequently: true});
            const paint = colours => {
                pen.clearRect(0, 0, 1, 1);
                for (const colour of colours) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
                return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
            };
            const light = ([r, g, b]) => [[r, .2126], [g, .7152], [b, .0722]].reduce((sum, [value, part]) => {
                const c = value / 255;
                return sum + part * (c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
            }, 0);
            const found = {};
            for (const part of document.querySelectorAll(
                ".row > *:not(.unseen), #status *, #day, #bar *, nav.top *, #first-line *"
            )) {
                if (!part.textContent.trim() || !part.getClientRects().length) continue;
                const under = [];
                for (let each = part; each; each = each.parentElement) {
                    under.unshift(getComputedStyle(each).backgroundColor);
                }
                const back = paint(under);
                const front = paint([...under, getComputedStyle(part).color]);
                const [dim, bright] = [light(back), light(front)].sort((a, b) => a - b);
                found[`${part.parentElement.className} > ${part.className || part.tagName}`] =
                    (bright + .05) / (dim + .05);
            }
            return found;
        }"""
    )


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("width", [1280, 390])
def test_pictures_of_every_state(
    ppl_process: PplProcess, open_page: OpenPage, tmp_path: Path, scheme: str, width: int
) -> None:
    """Pictures for people to look at: pytest keeps the temporary directories of the last runs."""
    who = ppl_process.register()
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = open_page(ppl_process, who, **options)
    until_state(page, "Waiting")
    pictures = {"first-line": page.screenshot(path=tmp_path / "first-line.png")}
    ingest(ppl_process, who, _EVERY_SEVERITY + lines(*range(60)))
    until_shown(page, "line 59")
    pictures["live"] = page.screenshot(path=tmp_path / "live.png")
    page.keyboard.press(" ")
    expect(page.locator("#pill")).to_be_visible()
    pictures["paused"] = page.screenshot(path=tmp_path / "paused.png")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    pictures["help"] = page.screenshot(path=tmp_path / "help.png")
    for path in ("/settings", "/login", "/register"):
        page = open_page(ppl_process, who if path == "/settings" else None, path, **options)
        pictures[path] = page.screenshot(path=tmp_path / f"{path[1:]}.png", full_page=True)
    assert len(set(pictures.values())) == len(pictures), "every state looks like itself"
