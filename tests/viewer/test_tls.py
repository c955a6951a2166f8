"""The viewer's WebSocket through the whole site, over TLS and in the clear: only pages of the same origin get in."""

from __future__ import annotations

from typing import Any

import pytest
import pytest_twisted
from autobahn.twisted.websocket import WebSocketClientFactory
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import SSL4ClientEndpoint, TCP4ClientEndpoint
from twisted.internet.ssl import CertificateOptions

from ppl.http.origin import OriginPolicy
from ppl.link.registry import Listeners
from ppl.model import Account
from ppl.options import default_settings
from ppl.services.clock import wall_clock
from ppl.viewer.hub import Hub
from ppl.viewer.protocol import ViewerFactory
from ppl.web.site import make_site
from tests.viewer.watching import Client
from tests.web.conftest import OpenedPorts
from tests.web.http.test_tls import certificate


@pytest.mark.parametrize("scheme", ["https", "http"])
@pytest_twisted.ensureDeferred
async def test_a_page_gets_in_only_from_the_scheme_it_was_served_by(store: Any, scheme: str) -> None:
    owner, destination = await store.register("o@example.com", "hash", "UTC", "h", range(1, 9), only_first=False)
    settings = default_settings()
    hub = Hub(store, Listeners(reactor), reactor, settings)
    hub.startService()

    async def authenticate(cookie: str | None, authorization: str | None) -> Account:
        return owner

    viewers = ViewerFactory(hub, authenticate, OriginPolicy(None).allowed)
    site = make_site(store, OpenedPorts(), viewers, settings, reactor, wall_clock)
    if scheme == "https":
        port: Any = reactor.listenSSL(0, site, certificate(), interface="127.0.0.1")
    else:
        port = reactor.listenTCP(0, site, interface="127.0.0.1")
    number = port.getHost().port

    async def connect(origin: str) -> Any:
        factory = WebSocketClientFactory(f"ws://localhost:{number}/ws", origin=origin, reactor=reactor)
        factory.protocol, factory.ready, factory.noisy = Client, Deferred(), False
        if scheme == "https":
            await SSL4ClientEndpoint(reactor, "127.0.0.1", number, CertificateOptions()).connect(factory)
        else:
            await TCP4ClientEndpoint(reactor, "127.0.0.1", number).connect(factory)
        return await factory.ready

    other = "http" if scheme == "https" else "https"
    assert "403" in await connect(f"{other}://localhost:{number}")
    assert "403" in await connect(f"{scheme}://localhost.evil.example:{number}")
    viewer = await connect(f"{scheme}://localhost:{number}")
    viewer.say("send_user_data", user_id=destination.user_id)
    assert (await viewer.expect("send_logs"))["events"] == []
    await port.stopListening()
    await hub.stopService()
    await viewer.gone
    assert viewer.close_code == 1001
