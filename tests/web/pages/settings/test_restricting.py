"""Restrictions on senders, on the settings page: the owner decides, and errors are shown beside their field."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from ppl.access.secrets import secret_hash
from ppl.model import Destination
from tests.fixtures.authority import self_signed
from tests.fixtures.database import execute
from tests.web.browsing import Browser, Page
from tests.web.conftest import Served


@pytest.fixture
def owned(served: Served, browser: Browser) -> Destination:
    """The destination that the account of ``browser`` owns."""
    assert pytest_twisted.blockon(Deferred.fromCoroutine(browser.register("user@gmail.com"))).status == 303
    return served.listeners.opened.pop()


async def change(browser: Browser, destination: Destination, form: str, **fields: str) -> Page:
    return await browser.submit(f"/settings/destinations/{destination.id}/{form}", fields, on="/settings")


async def kept(served: Served, destination: Destination) -> Any:
    found = await served.store.destination(destination.host, destination.port)
    assert found
    return found


def error_of(page: Page, field: str, destination: Destination) -> str:
    """The error beside a field, which must be marked as invalid."""
    assert re.search(rf'aria-invalid="true" aria-describedby="{field}-error-{destination.id} ', page.text)
    said = re.search(rf'id="{field}-error-{destination.id}">([^<]*)<', page.text)
    assert said, page.text
    return said[1]


def texts(directory: Path, name: str) -> list[str]:
    """A self-signed certificate and its key, in PEM."""
    return [Path(each).read_text() for each in self_signed(directory, name)]


async def a_member(served: Served, destination: Destination, dsn: str) -> Browser:
    member = served.browser()
    await member.register("member@example.com")
    served.listeners.opened.clear()
    execute(
        dsn,
        "INSERT INTO membership SELECT id, %s, 'member' FROM account WHERE email = 'member@example.com'",
        [destination.id],
    )
    return member


@ensureDeferred
async def test_its_owner_says_which_networks_may_send(served: Served, browser: Browser, owned: Destination) -> None:
    page = await change(browser, owned, "networks", networks="10.1.2.3/8\r\n2001:DB8::1")
    assert (page.status, page.location) == (303, "/settings#restrictions")
    assert (await kept(served, owned)).networks == ("10.0.0.0/8", "2001:db8::1/128")
    assert [each.id for each in served.listeners.opened] == [owned.id]
    assert "10.0.0.0/8\n2001:db8::1/128</textarea>" in (await browser.get("/settings")).text
    await change(browser, owned, "networks", networks="")
    assert (await kept(served, owned)).networks == ()


@ensureDeferred
async def test_what_is_no_network_is_said_beside_the_field_and_kept_in_it(
    served: Served, browser: Browser, owned: Destination
) -> None:
    page = await change(browser, owned, "networks", networks="10.0.0.0/8 <example>")
    assert page.status == 400
    assert error_of(page, "networks", owned).startswith("&lt;example&gt; is neither an address nor a network")
    assert "10.0.0.0/8 &lt;example&gt;</textarea>" in page.text
    assert (await kept(served, owned)).networks == ()
    assert served.listeners.opened == []


@ensureDeferred
async def test_it_is_saved_and_said_when_no_listener_answers(
    served: Served, browser: Browser, owned: Destination
) -> None:
    served.listeners.away = True
    page = await change(browser, owned, "networks", networks="10.0.0.0/8")
    assert page.status == 200
    assert "No listener has confirmed it yet" in page.text
    assert (await kept(served, owned)).networks == ("10.0.0.0/8",)


@ensureDeferred
async def test_a_member_sees_that_it_is_restricted_and_no_more(
    served: Served, browser: Browser, owned: Destination, dsn: str
) -> None:
    member = await a_member(served, owned, dsn)
    await change(browser, owned, "networks", networks="10.77.0.0/16")
    served.listeners.opened.clear()
    page = await member.get("/settings")
    assert "addresses in certain networks only" in page.text
    assert "10.77.0.0" not in page.text
    assert f"/settings/destinations/{owned.id}/networks" not in page.text
    assert (await change(member, owned, "networks", networks="")).status == 403
    stranger = served.browser()
    await stranger.register("stranger@example.com")
    served.listeners.opened.clear()
    assert (await change(stranger, owned, "networks", networks="")).status == 404
    assert (await kept(served, owned)).networks == ("10.77.0.0/16",)
    assert served.listeners.opened == []


@ensureDeferred
async def test_a_restricted_destination_takes_no_test_line(
    served: Served, browser: Browser, owned: Destination
) -> None:
    await change(browser, owned, "networks", networks="10.0.0.0/8")
    await change(browser, owned, "sender-tokens")
    page = await browser.submit(f"/settings/destinations/{owned.id}/test-line", {}, on="/settings")
    assert page.status == 409
    assert "it must come from one of its networks, and carry its token." in page.text


@ensureDeferred
async def test_the_log_says_what_has_changed_and_by_which_account(
    served: Served, browser: Browser, owned: Destination, dsn: str, logged: list[str]
) -> None:
    await change(browser, owned, "networks", networks="10.0.0.0/8")
    await change(browser, owned, "quota", lines_per_second="5", megabytes_per_day="")
    await change(browser, owned, "certificates", certificates="")
    await change(browser, owned, "sender-tokens")
    form = re.search(r'action="(\S+/sender-tokens/\d+/delete)"', (await browser.get("/settings")).text)
    assert form
    await browser.submit(form[1], {}, on="/settings")
    (account_id,) = execute(dsn, "SELECT id FROM account")[0]
    changes = (
        "changed the networks",
        "changed the quota",
        "changed the client certificates",
        "made a token",
        "revoked a token",
    )
    assert [line for line in logged if line.startswith("Senders of ")] == [
        f"Senders of {owned.user_id}: account {account_id} {each}" for each in changes
    ]


@ensureDeferred
async def test_changes_come_at_a_bounded_rate(served: Served, browser: Browser, owned: Destination) -> None:
    served.clock.stop()
    token = (await browser.get("/settings")).csrf_token
    path, fields = f"/settings/destinations/{owned.id}/networks", {"csrf_token": token, "networks": ""}
    statuses = [(await browser.post(path, fields)).status for _ in range(21)]
    assert statuses == [303] * 20 + [429]


@ensureDeferred
async def test_its_owner_sets_a_quota_within_the_operators(serve: Any) -> None:
    served = serve(max_lines_per_second=1000, max_bytes_per_day=500_000_000)
    browser = served.browser()
    await browser.register("user@gmail.com")
    owned = served.listeners.opened.pop()
    page = await change(browser, owned, "quota", lines_per_second="1,000", megabytes_per_day="500")
    assert (page.status, page.location) == (303, "/settings#restrictions")
    found = await kept(served, owned)
    assert (found.max_lines_per_second, found.max_bytes_per_day) == (1000, 500_000_000)
    assert 'value="1000" placeholder="1,000 lines/s"' in (await browser.get("/settings")).text
    page = await change(browser, owned, "quota", lines_per_second="1001", megabytes_per_day="")
    assert page.status == 400
    assert error_of(page, "lines_per_second", owned).startswith("Give a whole number from 1 to 1,000, the most")
    page = await change(browser, owned, "quota", lines_per_second="", megabytes_per_day="501")
    assert error_of(page, "megabytes_per_day", owned).startswith("Give a whole number from 1 to 500, the most")
    assert await kept(served, owned) == found
    await change(browser, owned, "quota", lines_per_second="", megabytes_per_day="")
    found = await kept(served, owned)
    assert (found.max_lines_per_second, found.max_bytes_per_day) == (None, None)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "9" * 16, "1000000001", "<b>", "\u0661"])
@ensureDeferred
async def test_what_is_no_quota_is_said_beside_the_field(
    served: Served, browser: Browser, owned: Destination, text: str
) -> None:
    page = await change(browser, owned, "quota", lines_per_second=text, megabytes_per_day="")
    assert page.status == 400
    assert (
        error_of(page, "lines_per_second", owned) == "Give a whole number from 1 to 1,000,000,000, or leave it empty."
    )
    assert (await kept(served, owned)).max_lines_per_second is None


@ensureDeferred
async def test_a_token_is_shown_once_kept_as_a_hash_and_revoked(
    served: Served, browser: Browser, owned: Destination, dsn: str
) -> None:
    assert "Revoke the sender token" not in (await browser.get("/settings")).text
    tokens = []
    for number in range(1, 4):
        page = await change(browser, owned, "sender-tokens")
        assert page.status == 200
        shown = re.search(r'id="new-sender-token">(\w{26})<', page.text)
        assert shown
        tokens.append(shown[1])
        assert f"token: {shown[1]}" in page.text, "a sender's configuration has it"
        assert len(served.listeners.opened) == number, "the listener is told"
    assert (await kept(served, owned)).token_hashes == tuple(map(secret_hash, tokens))
    page = await change(browser, owned, "sender-tokens")
    assert page.status == 400
    assert error_of(page, "sender_token", owned) == "A destination has at most 3 sender tokens: revoke one first."
    page = await browser.get("/settings")
    assert not any(token in page.text for token in tokens)
    forms = re.findall(r'action="(/settings/destinations/\d+/sender-tokens/\d+/delete)"', page.text)
    assert len(forms) == 3
    assert (await browser.submit(forms[0], {}, on="/settings")).location == "/settings#restrictions"
    assert (await browser.submit(forms[0], {}, on="/settings")).status == 404
    assert (await kept(served, owned)).token_hashes == tuple(map(secret_hash, tokens[1:]))
    assert execute(dsn, "SELECT count(*) FROM sender_token") == [(2,)]


@ensureDeferred
async def test_nobody_else_makes_sees_or_revokes_tokens(
    served: Served, browser: Browser, owned: Destination, dsn: str
) -> None:
    await change(browser, owned, "sender-tokens")
    form = re.search(r'action="(\S+/sender-tokens/\d+/delete)"', (await browser.get("/settings")).text)
    assert form
    member = await a_member(served, owned, dsn)
    page = await member.get("/settings")
    assert "senders that know its token only" in page.text
    assert form[1] not in page.text
    stranger = served.browser()
    await stranger.register("stranger@example.com")
    own = served.listeners.opened.pop()
    for each, status in ((member, 403), (stranger, 404)):
        assert (await change(each, owned, "sender-tokens")).status == status
        assert (await each.submit(form[1], {}, on="/settings")).status == status
    foreign = form[1].replace(f"/destinations/{owned.id}/", f"/destinations/{own.id}/")
    assert (await stranger.submit(foreign, {}, on="/settings")).status == 404
    assert len((await kept(served, owned)).token_hashes) == 1


@ensureDeferred
async def test_its_owner_pastes_certificates_of_senders(
    served: Served, browser: Browser, owned: Destination, tmp_path: Path
) -> None:
    first, second = (texts(tmp_path, name)[0] for name in ("first", "second"))
    page = await change(browser, owned, "certificates", certificates=f"of the first\r\n{first}\r\nand {second}")
    assert (page.status, page.location) == (303, "/settings#restrictions")
    found = await kept(served, owned)
    assert found.client_certificates == first + second
    assert found.takes == "tls"
    text = (await browser.get("/settings")).text
    assert "CN=first, valid to" in text
    assert "CN=second, valid to" in text
    assert "Over TCP" not in text, "what it does not take is not said to senders"
    await change(browser, owned, "certificates", certificates="  ")
    assert (await kept(served, owned)).client_certificates == ""


@ensureDeferred
async def test_what_is_no_certificate_is_said_beside_the_field(
    served: Served, browser: Browser, owned: Destination, tmp_path: Path
) -> None:
    certificate, key = texts(tmp_path, "sender")
    cut = certificate[:200]
    for typed, said in (
        ("hello", "Paste one or more certificates in PEM"),
        (cut, "Paste one or more certificates in PEM"),
        (cut + "-----END CERTIFICATE-----", "Paste one or more certificates in PEM"),
        (certificate + key, "This holds a private key"),
        (certificate * 21, "Paste at most 20 certificates"),
    ):
        page = await change(browser, owned, "certificates", certificates=typed)
        assert page.status == 400
        assert error_of(page, "certificates", owned).startswith(said)
    assert (await kept(served, owned)).client_certificates == ""
