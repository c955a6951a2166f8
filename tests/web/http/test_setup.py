"""The first registration: open if only this machine can reach the site, else only with the link that the log shows."""

from __future__ import annotations

import pytest
from pytest_twisted import ensureDeferred

from ppl.access.secrets import new_secret
from ppl.options import default_settings
from ppl.web.http.setup import Setup, is_local, setup_of
from tests.web.browsing import PASSWORD
from tests.web.conftest import Serve

FIELDS = {"email": "owner@x.org", "password": PASSWORD, "timeZone": "UTC"}


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("tcp:8080:interface=127.0.0.1", True),
        ("tcp:8080:interface=localhost", True),
        (r"tcp6:8080:interface=\:\:1", True),
        ("unix:/run/ppl.sock", True),
        ("tcp:8080", False),
        ("tcp:8080:interface=0.0.0.0", False),
        (r"tcp6:8080:interface=\:\:", False),
        ("tcp:port=8080:interface=192.0.2.1:backlog=9", False),
        ("ssl:443:privateKey=key.pem:certKey=cert.pem", False),
    ],
)
def test_whether_only_this_machine_reaches_the_site(endpoint: str, local: bool) -> None:
    assert is_local(endpoint) == local
    assert (setup_of(default_settings(http=endpoint)) is None) == local
    for registration in ("open", "closed", "first-open"):
        assert setup_of(default_settings(http=endpoint, registration=registration)) is None
    assert setup_of(default_settings(http=endpoint, public_url="https://logs.example.com")) is not None


@ensureDeferred
async def test_the_first_registration_needs_the_link_and_uses_it_up(serve: Serve) -> None:
    setup = Setup()
    served = serve(setup=setup, registration="first")
    stranger, owner = served.browser(), served.browser()
    for path in ("/register", "/register?setup=", f"/register?setup={new_secret()}", "/register?setup=%C3%A4"):
        page = await stranger.get(path)
        assert page.status == 403
        assert "the link that Ppl&#39;s log shows" in page.text
    token = (await stranger.get("/login")).csrf_token
    assert (await stranger.post("/register", {**FIELDS, "csrf_token": token})).status == 403
    assert await served.store.count_accounts() == 0
    form = await owner.get(f"/{setup.path}")
    secret = setup.path.partition("=")[2]
    assert f'name="setup" value="{secret}"' in form.text
    wrong = {**FIELDS, "csrf_token": form.csrf_token, "setup": secret, "password": "short"}
    assert f'name="setup" value="{secret}"' in (await owner.post("/register", wrong)).text, "once more"
    page = await owner.post("/register", {**FIELDS, "csrf_token": form.csrf_token, "setup": secret})
    assert page.status == 303
    assert not setup.allows(secret)
    assert (await stranger.get(f"/{setup.path}")).status == 403


@pytest.mark.parametrize("registration", ["first", "first-open"])
@ensureDeferred
async def test_without_it_the_first_registration_is_as_short_as_can_be(serve: Serve, registration: str) -> None:
    served = serve(registration=registration)
    assert (await served.browser().register("owner@x.org")).status == 303
    assert (await served.browser().get("/register")).status == 403
