"""The whole site: pages, the API, ``/static`` and the viewer's WebSocket at ``/ws``, as one factory to listen with."""

from __future__ import annotations

from typing import Any

from autobahn.twisted.resource import WebSocketResource
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import Site

from ppl.credentials import Passwords
from ppl.model import Clock
from ppl.options import Settings
from ppl.origin import OriginPolicy
from ppl.store.interface import Store
from ppl.web import assets
from ppl.web.accounts import Accounts
from ppl.web.answers import BadRequest, MethodNotAllowed, Refusal, TooLarge, UpgradeRequired
from ppl.web.api import Api
from ppl.web.destinations import PortOpener
from ppl.web.pages import Pages
from ppl.web.request import MAX_BODY, Request, send, send_later, set_security_headers, visit_of
from ppl.web.routing import Routes, route
from ppl.web.sampling import SampleSender
from ppl.web.sessions import SessionEnded, Sessions
from ppl.web.settings_page import SettingsPage
from ppl.web.visit import Visit

_IDLE_SECONDS = 60


def make_site(
    store: Store,
    listeners: PortOpener,
    viewer_factory: Any,
    settings: Settings,
    reactor: Any,
    clock: Clock,
    session_ended: SessionEnded = lambda account_id: None,
) -> Site:
    """The site of Ppl.

    Args:
        store: accounts, sessions, destinations.
        listeners: opens the ports of new destinations (:class:`ppl.link.registry.Listeners`).
        viewer_factory: Autobahn's factory of the viewer's WebSockets.
        settings: ``public_url``, ``public_host``, ``ports``, ``registration`` and ``listen_interface`` are used.
        reactor: threads, timers and the connection of test lines.
        clock: sessions' ends and throttling.
        session_ended: told the id of an account that has just logged out or revoked a token.
    """
    served = assets.Assets()
    pages = Pages(served)
    sessions = Sessions(store, clock, session_ended)
    accounts = Accounts(store, listeners, Passwords(reactor), sessions, pages, settings, clock)
    settings_page = SettingsPage(store, pages, clock, session_ended)
    api = Api(store, SampleSender(reactor, clock, settings.listen_interface), clock)
    routes = (
        route("GET", "/", accounts.first_page),
        route("GET", "/register", accounts.registration_form),
        route("POST", "/register", accounts.register),
        route("GET", "/login", accounts.login_form),
        route("POST", "/login", accounts.log_in),
        route("POST", "/logout", accounts.log_out, needs_login=True),
        route("GET", "/settings", settings_page.show, needs_login=True),
        route("GET", "/settings/(?:time-zone|tokens)", settings_page.back, needs_login=True),
        route("POST", "/settings/time-zone", settings_page.change_time_zone, needs_login=True),
        route("POST", "/settings/tokens", settings_page.create_token, needs_login=True),
        route("POST", r"/settings/tokens/(\d{1,18})/delete", settings_page.delete_token, needs_login=True),
        route("GET", "/api/me", api.who_am_i),
        route("POST", "/api/test-line", api.send_test_line, needs_login=True),
        route("GET", "/healthz", api.health),
    )
    root = _Root(
        Routes(routes, sessions, pages, OriginPolicy(settings.public_url)), served, pages, viewer_factory, settings
    )
    return PplSite(root, viewer_factory, reactor)


class PplSite(Site):
    """Twisted's site with our requests; starts and stops the viewers' factory with itself."""

    displayTracebacks = False

    def __init__(self, root: Resource, viewer_factory: Any, reactor: Any) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            root, Request, timeout=_IDLE_SECONDS, reactor=reactor, parsePOSTFormSubmission=False
        )
        self._viewer_factory = viewer_factory

    def startFactory(self) -> None:
        """Autobahn's resource never starts the factory it is given."""
        super().startFactory()
        self._viewer_factory.doStart()

    def stopFactory(self) -> None:
        self._viewer_factory.doStop()
        super().stopFactory()

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 only: the WebSocket takes the whole connection over."""
        return [b"http/1.1"]


class _Root(Resource):
    """Every request comes here."""

    isLeaf = True

    def __init__(
        self, routes: Routes, served: assets.Assets, pages: Pages, viewer_factory: Any, settings: Settings
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._routes = routes
        self._assets = served
        self._pages = pages
        self._websocket = WebSocketResource(viewer_factory)
        self._public_url = settings.public_url

    def render(self, request: Any) -> Any:
        try:
            visit = visit_of(request, self._public_url)
        except ValueError:
            set_security_headers(request, False)
            nowhere = Visit("GET", "/", "/", {}, {}, b"", "", False, False)
            return send(request, self._pages.refusal(nowhere, BadRequest("The address cannot be read.")))
        set_security_headers(request, visit.secure)
        try:
            if request.too_large:
                raise TooLarge(MAX_BODY)
            if visit.path == "/ws":
                return self._open_websocket(request, visit)
            if visit.path.startswith(assets.PREFIX):
                return send(request, self._assets.answer(visit))
        except Refusal as refusal:
            return send(request, self._pages.refusal(visit, refusal))
        return send_later(request, Deferred.fromCoroutine(self._routes.answer(visit)))

    def _open_websocket(self, request: Any, visit: Visit) -> Any:
        if visit.method != "GET":
            raise MethodNotAllowed(visit.method, "GET")
        if (visit.header("upgrade") or "").lower() != "websocket":
            raise UpgradeRequired
        return self._websocket.render(request)
