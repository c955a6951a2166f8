"""The settings page's section about senders in a browser, with and without scripts."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.looking import every_look
from tests.browser.test_snippets import CLIPBOARD
from tests.fixtures.authority import self_signed
from tests.fixtures.restricting import OUTSIDE, send_tcp
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_without_scripts_senders_are_restricted(ppl_process: PplProcess, open_page: OpenPage, tmp_path: Path) -> None:
    who = ppl_process.register()
    page = open_page(ppl_process, who, path="/settings", java_script_enabled=False)
    page.expected_errors = ["400"]  # type: ignore[attr-defined]
    networks = page.get_by_label(f"Networks that may send to {who.user_id}")
    networks.fill("nowhere")
    page.get_by_role("button", name="Save networks").click()
    wrong = re.compile(
        r"^nowhere is neither an address nor a network, .* Addresses or networks such as .* addresses are closed\.$"
    )
    expect(networks).to_have_accessible_description(wrong)
    networks.fill("127.0.0.1")
    page.get_by_role("button", name="Save networks").click()
    page.get_by_role("button", name="Make a token").click()
    token = page.locator("#new-sender-token").inner_text()
    send_tcp(who.port, f"{token} outside\n".encode(), OUTSIDE)
    send_tcp(who.port, f"forged\n{token} inside\n".encode())
    eventually(lambda: ppl_process.messages(who.port) == ["inside"], "the one line")
    page.get_by_role("button", name="Revoke the sender token").click()
    page.get_by_label(f"Maximum lines per second to {who.user_id}").fill("1000")
    page.get_by_role("button", name="Save quota").click()
    expect(page.get_by_label(f"Maximum lines per second to {who.user_id}")).to_have_value("1000")
    certificate = Path(self_signed(tmp_path, "sender")[0]).read_text()
    page.get_by_label(f"Client certificates for {who.user_id}").fill(certificate)
    page.get_by_role("button", name="Save certificates").click()
    expect(page.get_by_text("CN=sender, valid to")).to_be_visible()
    page.get_by_text("How senders present a certificate").click()
    expect(page.get_by_text("DefaultNetstreamDriverCertFile")).to_be_visible()


@pytest.mark.parametrize(
    ("button", "field", "made"),
    [
        ("Make a token", "", "#new-sender-token"),
        ("Create drain token", "Name of a new drain token", "#new-drain"),
        ("Create token", "Name of a new token", "#new-token"),
    ],
)
def test_a_secret_that_was_just_made_is_in_sight_and_copies_itself(
    ppl_process: PplProcess, open_page: OpenPage, button: str, field: str, made: str
) -> None:
    page = open_page(ppl_process, ppl_process.register(), path="/settings", permissions=CLIPBOARD)
    if field:
        page.get_by_label(field, exact=True).fill("mine")
    page.get_by_role("button", name=button, exact=True).click()
    secret = page.locator(made)
    expect(secret).to_be_in_viewport()
    page.locator(".secret").get_by_role("button", name="Copy").click()
    copied = eventually(lambda: page.evaluate("() => navigator.clipboard.readText()"), "the copy")
    assert copied == secret.inner_text()


@every_look
def test_nothing_of_it_is_wider_than_the_page(
    ppl_process: PplProcess, open_page: OpenPage, tmp_path: Path, width: int, scheme: str
) -> None:
    who = ppl_process.register()
    viewport = {"width": width, "height": 900}
    page = open_page(ppl_process, who, path="/settings", viewport=viewport, color_scheme=scheme)
    page.expected_errors = ["400"]  # type: ignore[attr-defined]
    page.get_by_label("Client certificates").fill(Path(self_signed(tmp_path, "sender")[0]).read_text())
    page.get_by_role("button", name="Save certificates").click()
    expect(page.get_by_text("CN=sender, valid to")).to_be_visible()
    page.get_by_label("Networks that may send").fill("10.0.0.0/8\n2001:db8:1234:5678:9abc:def0:1234:5678 nowhere")
    page.get_by_role("button", name="Save networks").click()
    expect(page.get_by_role("alert")).to_be_visible()
    pictured(page, "restrictions", f"error-{width}-{scheme}")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#new-sender-token")).to_be_visible()
    page.get_by_text("How senders present a certificate").click()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    pictured(page, "restrictions", f"token-{width}-{scheme}")
    page.goto(f"{ppl_process.url}/dashboard")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    pictured(page, "limits", f"dashboard-{width}-{scheme}")


def pictured(page: Page, section: str, name: str) -> None:
    """Take a picture of a section for people to look at, if ``PPL_PICTURES`` names a directory."""
    if directory := os.environ.get("PPL_PICTURES"):
        page.locator(f"section[aria-labelledby={section}]").screenshot(path=f"{directory}/{name}.png")
