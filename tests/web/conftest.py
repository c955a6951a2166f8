"""The real site on a real port over the real store; only the listener behind the link is a double."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
import pytest_twisted
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from ppl.access.passwords import Passwords
from ppl.archive.interface import Place
from ppl.errors import ListenerUnavailable, StoreUnavailable
from ppl.model import SECOND, Destination
from ppl.options import default_settings
from ppl.services.clock import wall_clock
from ppl.store.interface import Store
from ppl.web.http.limits import SiteLimits
from ppl.web.http.setup import Setup
from ppl.web.site import make_site
from tests.fixtures.hashing import QUICK
from tests.web.browsing import Browser


class OpenedPorts:
    """A double of the listeners: records what the site opens and closes, and can be made unavailable."""

    def __init__(self) -> None:
        self.opened: list[Destination] = []
        self.closed: list[Destination] = []
        self.away = False

    async def open(self, destination: Destination) -> None:
        if self.away:
            raise ListenerUnavailable("No listener is connected.")
        self.opened.append(destination)

    def close(self, destination: Destination) -> None:
        self.closed.append(destination)


class AwayStore:
    """A store whose PostgreSQL cannot be reached."""

    async def count_accounts(self) -> int:
        raise StoreUnavailable("PostgreSQL cannot be reached.")


class MovableClock:
    """The wall clock, which a test can move forward, or stop so that a slow machine does not matter."""

    def __init__(self) -> None:
        self._ahead = 0
        self._stopped_at: int | None = None

    def __call__(self) -> int:
        return (wall_clock() if self._stopped_at is None else self._stopped_at) + self._ahead

    def stop(self) -> None:
        self._stopped_at = wall_clock()

    def advance(self, seconds: float) -> None:
        self._ahead += int(seconds * SECOND)


@attrs.frozen
class Served:
    """A running site with its parts."""

    port: int
    store: Store
    listeners: OpenedPorts
    clock: MovableClock
    public_url: str | None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def browser(self) -> Browser:
        """A new browser, without cookies."""
        return Browser(self.url, self.public_url)


Serve = Callable[..., Served]


@pytest.fixture
def serve(store: Store) -> Iterator[Serve]:
    """Starts sites with the given settings, over ``store`` unless another store is given."""
    listening: list[Any] = []

    def start(
        over: Store = store,
        place: Place | None = None,
        setup: Setup | None = None,
        passwords: Passwords | None = None,
        limits: SiteLimits | None = None,
        **settings: Any,
    ) -> Served:
        listeners, clock = OpenedPorts(), MovableClock()
        # The doubles open the assigned ports on 127.0.0.1, if at all, so none is taken on this address.
        chosen = default_settings(
            **{"registration": "open", "listen_interface": "127.0.0.2", "http_hosts": ("x",), **settings}
        )
        viewers = WebSocketServerFactory()
        viewers.protocol = WebSocketServerProtocol
        hashing = passwords or Passwords(reactor, hasher=QUICK)
        site = make_site(
            over,
            listeners,
            viewers,
            chosen,
            reactor,
            clock,
            place=place,
            setup=setup,
            passwords=hashing,
            limits=limits,
        )
        port = reactor.listenTCP(0, site, interface="127.0.0.1")
        listening.append(port)
        return Served(port.getHost().port, over, listeners, clock, chosen.public_url)

    yield start
    pytest_twisted.blockon(gatherResults([Deferred.fromCoroutine(_stop(port)) for port in listening]))


async def _stop(port: Any) -> None:
    await port.stopListening()


@pytest.fixture
def served(serve: Serve) -> Served:
    """A site that is open for registration."""
    return serve()


@pytest.fixture
def browser(served: Served) -> Browser:
    """A browser of ``served``."""
    return served.browser()
