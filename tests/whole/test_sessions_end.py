"""A browser that logs out and a program whose token is revoked stop seeing lines at once."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request

import pytest
from websockets.exceptions import ConnectionClosed

from tests.fixtures.running import PplProcess, Registered
from tests.fixtures.watching import Viewer


def post(ppl: PplProcess, who: Registered, path: str) -> None:
    """Press a button of the settings page."""
    headers = {"Cookie": who.cookie_header, "Origin": ppl.url}
    page = urllib.request.urlopen(urllib.request.Request(ppl.url + "/settings", headers=headers)).read().decode()
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', page)
    assert token
    body = urllib.parse.urlencode({"csrf_token": token[1]}).encode()
    urllib.request.urlopen(urllib.request.Request(ppl.url + path, body, headers)).read()


def expect_closed(viewer: Viewer) -> None:
    with pytest.raises(ConnectionClosed) as closed:
        viewer.next()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_logging_out_and_revoking_close_what_they_had_open_and_nothing_else(ppl_process: PplProcess) -> None:
    who, other = ppl_process.register(), ppl_process.register()
    token = ppl_process.create_token(who)
    with (
        Viewer(ppl_process.url, who) as browser,
        Viewer(ppl_process.url, who, {"Authorization": f"Bearer {token}"}) as program,
        Viewer(ppl_process.url, other) as stranger,
    ):
        for viewer in (browser, program, stranger):
            viewer.identify()
        ((id_,),) = ppl_process.rows("SELECT id FROM session WHERE kind = 'token'")
        post(ppl_process, who, f"/settings/tokens/{id_}/delete")
        expect_closed(program)
        browser.expect_nothing()
        post(ppl_process, who, "/logout")
        expect_closed(browser)
        stranger.expect_nothing()
