"""The README's second command: a ``--public-host`` that differs from the first start's."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import attrs
import pytest

from tests.fixtures.running import PplProcess, Registered, eventually, running
from tests.fixtures.watching import Viewer, messages

pytestmark = [pytest.mark.long, pytest.mark.beside]


@pytest.fixture(params=["one", "two"])
def renamed_ppl(request: pytest.FixtureRequest, dsn: str, short_directory: object) -> object:
    """Ppl as a new user starts it, with localhost as its public host."""
    yield from running(PplProcess(dsn, short_directory, request.param, {"PPL_PUBLIC_HOST": "localhost"}))  # type: ignore[arg-type]


def asked(ppl: PplProcess, who: Registered, path: str) -> tuple[str, str]:
    """The path to which the browser of ``who`` is led, and the page there."""
    request = urllib.request.Request(ppl.url + path, headers={"Cookie": who.cookie_header})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return answer.url.removeprefix(ppl.url), answer.read().decode()


def test_no_client_loses_its_port_and_old_links_lead_to_the_new_name(renamed_ppl: PplProcess) -> None:
    ppl = renamed_ppl
    first, pinned = ppl.register(), ppl.register()
    ppl.send(first.port, b"<13>1 - host app - - - before\n")
    eventually(lambda: ppl.count(first.port) == 1, "a line")
    certificate = ppl.certificate.read_bytes()
    ppl.rows("UPDATE destination SET listener_host = host WHERE port = %s", pinned.port)
    ppl.stop()
    ppl.environment["PPL_PUBLIC_HOST"] = "127.0.0.1"
    ppl.start()
    assert "1 destination moved from localhost to 127.0.0.1" in ppl.text()
    assert f"This listener serves localhost:{pinned.port}" in ppl.text()
    assert ppl.certificate.read_bytes() != certificate
    with Viewer(ppl.url, first) as viewer:
        # A program that was configured with the old name.
        assert first.user_id == f"localhost:{first.port}"
        assert messages(viewer.identify()) == ["before"]
        ppl.send(first.port, b"<13>1 - host app - - - after\n")
        assert [each["message"] for each in viewer.live(1)] == ["after"]
    ppl.send(pinned.port, b"<13>1 - host app - - - to the pinned one\n")
    eventually(lambda: ppl.messages(pinned.port) == ["to the pinned one"], "the line of the pinned destination")
    place, found = asked(ppl, first, f"/api/events?user_id=localhost:{first.port}")
    (_, event) = json.loads(found)["events"]
    place, _ = asked(ppl, first, f"/events/{event['id']}?user_id=localhost%3A{first.port}&q=app")
    assert place == f"/events/{event['id']}?user_id=127.0.0.1%3A{first.port}&q=app"
    place, _ = asked(ppl, first, f"/?user_id=localhost%3A{first.port}")
    assert place == f"/?user_id=127.0.0.1%3A{first.port}"
    assert "unless another" not in asked(ppl, first, "/settings")[1]
    stranger = attrs.evolve(first, cookie_header=pinned.cookie_header)
    with pytest.raises(urllib.error.HTTPError, match="403"):
        asked(ppl, stranger, f"/api/events?user_id=localhost:{first.port}")


def test_what_is_not_served_is_said_at_the_start_and_on_the_pages(renamed_ppl: PplProcess) -> None:
    ppl = renamed_ppl
    who = ppl.register()
    ppl.rows("UPDATE destination SET host = 'old.example.com'")
    ppl.stop()
    ppl.start()
    assert "1 destination of old.example.com will not be served here" in ppl.text()
    for path in ("/settings", "/dashboard"):
        assert "--former-host old.example.com" in asked(ppl, who, path)[1]
    ppl.stop()
    ppl.environment["PPL_FORMER_HOST"] = "old.example.com"
    ppl.start()
    ppl.send(who.port, b"<13>1 - host app - - - it is back\n")
    eventually(lambda: ppl.messages(who.port) == ["it is back"], "a line")
