"""Every page in every state that looks different, for the tests of what must hold everywhere.

A page is one line in :data:`PAGES`: its name, and a function that takes a :class:`Visitor` there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import ingest, lines, until_settled, until_state
from tests.fixtures.running import PplProcess, Registered

_ERRORS = b"".join(
    b"<%d>1 - web-0%d app[web.%d] 42 - - %s\n" % (number, number % 4, number, b"took 1,284 ms in /api/v2/orders " * 3)
    for number in range(8, 16)
)
_JSON = b'<14>1 - web-01 app - - - order {"id": 4711, "state": "created", "trace": "Error\\\\n    at a", "ok": true}\n'


@attrs.frozen
class Accounts:
    """The accounts that open pages.

    Attributes:
        busy: an account with events of every severity, two destinations and one of everything that pages list.
        new: an account whose destination has received nothing yet.
        other: the owner of the busy account's second destination, which keeps events for a day.
    """

    busy: Registered
    new: Registered
    other: Registered


def populate(ppl: PplProcess) -> Accounts:
    """Create the accounts on an empty Ppl."""
    busy, other = ppl.register("busy@example.com", "Europe/Berlin"), ppl.register("other@example.com")
    ppl.rows(
        "INSERT INTO membership SELECT a.id, d.id, 'member' FROM account a, destination d"
        " WHERE a.email = %s AND d.port = %s",
        busy.email,
        other.port,
    )
    ppl.rows("UPDATE destination SET retention_days = 1 WHERE port = %s", other.port)
    ingest(ppl, busy, lines(*range(200)) + _JSON + _ERRORS)
    ppl.create_token(busy)
    ppl.create_drain(busy)
    ppl.rows(
        "INSERT INTO saved_search (destination_id, name, query, account_id, created_at)"
        " SELECT d.id, 'Errors ' || i, 'host:web-* severity:err ' || repeat('timeout', i * 5), a.id, 1700000000000000"
        " FROM destination d, account a, generate_series(1, 3) i WHERE a.email = %s",
        busy.email,
    )
    ppl.rows(
        "INSERT INTO mark (destination_id, event_id, note, account_id, created_at) SELECT d.id, m.event_id,"
        " repeat('here it began ', m.n::int), a.id, 1700000000000000 FROM account a, destination d, LATERAL"
        " ((SELECT e.id AS event_id, row_number() OVER (ORDER BY e.id DESC) AS n FROM event e"
        " WHERE destination_id = d.id ORDER BY e.id DESC LIMIT 4)"
        " UNION ALL SELECT 1600000000000000, 5) m WHERE a.email = %s AND d.port = %s",
        busy.email,
        busy.port,
    )
    ppl.rows(
        "INSERT INTO archive SELECT id, day, CASE day %% 3 WHEN 0 THEN 'elsewhere' ELSE %s END, 'k', 123456, 7654321, 0"
        " FROM destination, generate_series(19300, 19800) day WHERE port = %s",
        ppl.environment["PPL_ARCHIVE"],
        busy.port,
    )
    return Accounts(busy, ppl.register("new@example.com"), other)


@attrs.frozen
class Visitor:
    """Opens pages with the theme and size of one test."""

    ppl: PplProcess
    accounts: Accounts
    open_page: OpenPage
    options: dict[str, Any]

    def open(self, path: str, who: Registered | None = None, expected: str = "", **more: Any) -> Page:
        """The page at ``path``; ``expected`` is a text that an error in its console may contain."""
        page = self.open_page(self.ppl, who, path, **self.options, **more)
        page.expected_errors = [expected] if expected else []  # type: ignore[attr-defined]
        return page

    def busy(self, path: str, expected: str = "", **more: Any) -> Page:
        """The page at ``path`` for the busy account."""
        return self.open(path, self.accounts.busy, expected, **more)

    def live(self) -> Page:
        """The live viewer."""
        return self.searched("")

    def searched(self, query: str, finds: bool = True) -> Page:
        """The live viewer with a search, once marks and histogram have loaded too."""
        return self.loaded(f"/?user_id={self.accounts.busy.user_id}&q={query}", finds)

    def loaded(self, path: str, finds: bool = True) -> Page:
        """The live viewer at ``path``, once marks and histogram have loaded too."""
        page = self.busy(path)
        until_state(page, "Live" if finds else "Waiting")
        expect(page.locator("#marks")).to_be_visible()
        if finds:
            until_settled(page)
        return page


class _Away:
    """Closes every WebSocket at once."""

    def opened(self, socket: Any) -> None:
        socket.close(code=1001)


def _sent(visitor: Visitor, path: str, button: str, who: Registered | None, **fields: str) -> Page:
    """The page after a form was sent and refused."""
    page = _all_open(visitor.open(path, who, "400 (Bad Request)"))
    for label, text in fields.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(text)
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    return page


def _all_open(page: Page) -> Page:
    for part in page.locator("details").all():
        part.evaluate("part => { part.removeAttribute('name'); part.open = true; }")
    return page


def _paused(visitor: Visitor) -> Page:
    page = visitor.live()
    page.keyboard.press("g")
    until_state(page, "Paused")
    visitor.ppl.send(visitor.accounts.busy.port, lines(1))
    expect(page.locator("#pill")).to_contain_text("new line")
    return page


def _offline(visitor: Visitor) -> Page:
    page = visitor.busy("/", "WebSocket", server=_Away())
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator("#histogram")).to_be_visible()
    return page


def _refused(visitor: Visitor) -> Page:
    page = visitor.live()
    page.expected_errors = ["400 (Bad Request)"]  # type: ignore[attr-defined]
    page.get_by_label("Search", exact=True).fill("severity:err (a")
    page.keyboard.press("Enter")
    expect(page.locator("#search-error")).to_be_visible()
    return page


def _first_line(visitor: Visitor) -> Page:
    page = visitor.open("/", visitor.accounts.new)
    expect(page.locator("#first-line")).to_be_visible()
    return page


def _keys(visitor: Visitor) -> Page:
    page = visitor.live()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    return page


def _with_details(page: Page) -> Page:
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page.locator("#details")).to_be_visible()
    return page


def _details(visitor: Visitor) -> Page:
    return _with_details(visitor.live())


def _context(visitor: Visitor) -> Page:
    page = _details(visitor)
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    expect(page.locator("#context .row").first).to_be_visible()
    return page


def _time(visitor: Visitor) -> Page:
    page = visitor.live()
    page.keyboard.press("t")
    expect(page.get_by_role("dialog")).to_be_visible()
    return page


def _nothing_found(visitor: Visitor) -> Page:
    page = visitor.searched("nowhere-at-all", finds=False)
    expect(page.locator("#log .note")).to_contain_text("No lines match")
    return page


def _searched(visitor: Visitor) -> Page:
    return visitor.searched("severity:err")


def _saved_menu(visitor: Visitor) -> Page:
    page = _searched(visitor)
    page.locator("#saved summary").click()
    expect(page.locator("#saved li button").first).to_be_visible()
    expect(page.get_by_role("button", name="Save", exact=True)).to_be_visible()
    return page


def _themes(page: Page) -> Page:
    page.get_by_role("button", name="Theme").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="dark")).to_be_visible()
    return page


def _download_menu(visitor: Visitor) -> Page:
    page = _searched(visitor)
    page.locator("#download summary").click()
    expect(page.locator("#download .what")).not_to_be_empty()
    return page


def _picked(visitor: Visitor) -> Page:
    page = visitor.live()
    for key in "kKKK":
        page.keyboard.press(key)
    expect(page.locator("#picked .words")).to_have_text("4 lines picked")
    return page


def _json(visitor: Visitor) -> Page:
    page = _with_details(visitor.searched("4711"))
    expect(page.locator("#details .json")).to_be_visible()
    expect(page.locator("#details .found")).to_be_visible()
    return page


def _value_menu(visitor: Visitor) -> Page:
    page = _json(visitor)
    page.locator("#details .json [role=button]").first.press("Enter")
    expect(page.locator(".values")).to_be_visible()
    return page


def _columns_menu(visitor: Visitor) -> Page:
    page = visitor.loaded("/?columns=id,state")
    page.locator("#columns summary").click()
    expect(page.locator("#columns li")).to_have_count(2)
    return page


def _top_values(visitor: Visitor) -> Page:
    page = _columns_menu(visitor)
    page.get_by_role("button", name="Top values of state").click()
    expect(page.locator("#top .words")).to_contain_text("in 1 value")
    return page


def _marks_menu(visitor: Visitor) -> Page:
    page = visitor.live()
    page.locator("#marks summary").click()
    expect(page.locator("#marks li").first).to_be_visible()
    return page


def _marking(visitor: Visitor) -> Page:
    page = _details(visitor)
    page.keyboard.press("m")
    expect(page.get_by_role("dialog")).to_be_visible()
    return page


def _token(visitor: Visitor, label: str, button: str, shown: str) -> Page:
    page = visitor.open("/settings", visitor.accounts.new)
    page.get_by_label(label, exact=True).fill("a program")
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(shown)).to_be_visible()
    return page


def _networks_refused(visitor: Visitor) -> Page:
    page = visitor.open("/settings", visitor.accounts.new, expected="400")
    page.get_by_label("Networks that may send to").fill("nowhere")
    page.get_by_role("button", name="Save networks").click()
    expect(page.get_by_role("alert")).to_contain_text("nowhere is neither")
    return page


def _sender_token(visitor: Visitor) -> Page:
    page = visitor.open("/settings", visitor.accounts.other)
    if (revoke := page.get_by_role("button", name="Revoke the sender token")).count():
        revoke.first.click()
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#new-sender-token")).to_be_visible()
    return page


def _test_line(visitor: Visitor) -> Page:
    # Sent to a destination that has events, so that the other account's stays empty.
    page = visitor.busy("/settings")
    page.get_by_role("button", name=f"Send a test line to {visitor.accounts.busy.user_id}").click()
    expect(page.get_by_role("status")).to_contain_text("Sent and accepted")
    return page


#: Name → a function that opens the page. A new page is one line here.
PAGES: dict[str, Callable[[Visitor], Page]] = {
    "login": lambda visitor: visitor.open("/login"),
    "login refused": lambda visitor: _sent(
        visitor, "/login", "Log in", None, Email="nobody@example.com", Password="wrong password"
    ),
    "register": lambda visitor: visitor.open("/register"),
    "register refused": lambda visitor: _sent(
        visitor, "/register", "Register", None, Email="x@example.com", Password="correct horse", Time_zone="Mars"
    ),
    "first line": _first_line,
    "live": lambda visitor: visitor.live(),
    "paused": _paused,
    "searched": _searched,
    "nothing found": _nothing_found,
    "saved menu": _saved_menu,
    "query refused": _refused,
    "offline": _offline,
    "keys": _keys,
    "time": _time,
    "details": _details,
    "details of JSON": _json,
    "value menu": _value_menu,
    "lines picked": _picked,
    "download menu": _download_menu,
    "context": _context,
    "no such event": lambda visitor: visitor.busy(f"/events/1?user_id={visitor.accounts.busy.user_id}", "404"),
    "expired event": lambda visitor: visitor.busy(f"/events/1?user_id={visitor.accounts.other.user_id}", "410"),
    "themes": lambda visitor: _themes(visitor.live()),
    "themes before logging in": lambda visitor: _themes(visitor.open("/login")),
    "settings": lambda visitor: visitor.busy("/settings"),
    "settings of a new account": lambda visitor: visitor.open("/settings", visitor.accounts.new),
    "settings with all unfolded": lambda visitor: _all_open(visitor.busy("/settings")),
    "settings refused": lambda visitor: _sent(visitor, "/settings", "Export", visitor.accounts.new, Query="(a"),
    "settings with a new token": lambda visitor: _token(visitor, "Name of a new token", "Create token", "#new-token"),
    "settings with a new drain": lambda visitor: _token(
        visitor, "Name of a new drain token", "Create drain token", "#new-drain"
    ),
    "settings with a new token of senders": _sender_token,
    "settings with refused networks": _networks_refused,
    "settings after a test line": _test_line,
    "senders": lambda visitor: visitor.busy("/senders"),
    "dashboard": lambda visitor: visitor.busy("/dashboard"),
    "archives": lambda visitor: visitor.busy(f"/settings/archives?user_id={visitor.accounts.busy.user_id}"),
    "saved searches": lambda visitor: visitor.busy("/saved"),
    "saved searches with all unfolded": lambda visitor: _all_open(visitor.busy("/saved")),
    "saved search refused": lambda visitor: _sent(
        visitor, "/saved", "Save", visitor.accounts.new, Name="mine", Query="(a"
    ),
    "no saved search": lambda visitor: visitor.open("/saved", visitor.accounts.new),
    "marks": lambda visitor: visitor.busy("/marks"),
    "marks with all unfolded": lambda visitor: _all_open(visitor.busy("/marks")),
    "no mark": lambda visitor: visitor.open("/marks", visitor.accounts.new),
    "marks menu": _marks_menu,
    "columns menu": _columns_menu,
    "top values": _top_values,
    "marking": _marking,
    "not found": lambda visitor: visitor.open("/nowhere", expected="404"),
    "not found, logged in": lambda visitor: visitor.busy("/nowhere", "404"),
}
