"""The whole site as one factory to listen with: pages, the API, ``/static``, and the viewer's WebSocket at ``/ws``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from socket import gethostname
from typing import Any

import attrs
from autobahn.twisted.resource import WebSocketResource
from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import Site

from ppl.access.passwords import Passwords
from ppl.access.quota import Quota
from ppl.access.throttle import Throttle
from ppl.archive.interface import Place
from ppl.http.client import Proxies
from ppl.http.origin import OriginPolicy, hosts_of, is_host
from ppl.http.refusals import Refusals
from ppl.http.uploads import UploadChannel, Uploads, log_line
from ppl.model import Clock
from ppl.options import Settings
from ppl.services.turns import Turns
from ppl.similar.workers import Workers
from ppl.store.interface import Store
from ppl.web.api.archives import Archives
from ppl.web.api.columns import ColumnsApi
from ppl.web.api.event_fields import EventFields
from ppl.web.api.events import EventsApi
from ppl.web.api.export import Exports
from ppl.web.api.health import Health
from ppl.web.api.marks import Marks, MarksApi, MarksChanged
from ppl.web.api.me import Api
from ppl.web.api.query import Queries
from ppl.web.api.saved import SavedApi, SavedSearches
from ppl.web.api.similar import Similar
from ppl.web.api.test_line import SampleLines
from ppl.web.api.test_line_sender import SampleSender
from ppl.web.api.top_values import TopValues
from ppl.web.http import assets
from ppl.web.http.answers import (
    BadRequest,
    MethodNotAllowed,
    Misdirected,
    Refusal,
    TooLarge,
    Unavailable,
    UpgradeRequired,
    spend,
)
from ppl.web.http.connections import Connections
from ppl.web.http.destinations import PortOpener
from ppl.web.http.limits import SiteLimits
from ppl.web.http.rendering import Pages
from ppl.web.http.request import MAX_BODY, Request, send, send_later, set_security_headers, visit_of
from ppl.web.http.routing import Routed, Routes
from ppl.web.http.sessions import SessionEnded, Sessions
from ppl.web.http.setup import Setup
from ppl.web.http.visit import Visit
from ppl.web.pages.accounts import AccountPages
from ppl.web.pages.dashboard import Dashboard
from ppl.web.pages.event import EventPage
from ppl.web.pages.marks import MarksPage
from ppl.web.pages.saved import SavedPage
from ppl.web.pages.senders import READS, Senders
from ppl.web.pages.settings.downloads import Downloads
from ppl.web.pages.settings.drains import DrainsPage
from ppl.web.pages.settings.page import SettingsPage
from ppl.web.pages.settings.retention_forms import KeepingPage
from ppl.web.pages.settings.senders_forms import RestrictingPage
from ppl.web.pages.settings.transport import Transports

_IDLE_SECONDS = 60


def make_site(
    store: Store,
    listeners: PortOpener,
    viewer_factory: Any,
    settings: Settings,
    reactor: Any,
    clock: Clock,
    session_ended: SessionEnded = lambda account_id: None,
    uploads: Uploads | None = None,
    place: Place | None = None,
    steady: Clock | None = None,
    fingerprint: Callable[[str], str] = lambda host: "",
    setup: Setup | None = None,
    marks_changed: MarksChanged = lambda destination_id: None,
    workers: Workers | None = None,
    passwords: Passwords | None = None,
    limits: SiteLimits | None = None,
) -> PplSite:
    """Build the site from its pages and API handlers.

    Args:
        store: keeps accounts, destinations, events and figures.
        listeners: opens the ports of new and changed destinations (:class:`ppl.link.registry.Listeners`).
        viewer_factory: Autobahn's factory for the viewers' WebSockets.
        settings: the options; the site reads names, URLs, ports, limits, ``registration`` and ``role``, among others.
        reactor: gives threads and timers, and connects to send test lines.
        clock: the wall clock, µs, for the expiry of sessions and for times in queries such as ``3 hours ago``.
        session_ended: called with the id of an account when one of its sessions or tokens has ended.
        uploads: handles requests to ``/logs/``; ``None`` if this site takes no uploads.
        place: the place where archives are stored; ``None`` if this process cannot reach any.
        steady: a clock, µs, that nobody sets, for throttling; if not given, ``clock``.
        fingerprint: gives the fingerprint of the certificate on the senders' ports of a host; ``""`` if another process
            serves these ports.
        setup: the setup link for the first registration; ``None`` if none is needed.
        marks_changed: called with the id of a destination when its marks have changed.
        workers: group similar lines in other processes; if not given, the site has no ``/api/similar``.
        passwords: hashes passwords; if not given, passwords are hashed with the usual cost.
        limits: the limits that no option sets; if not given, the usual ones.
    """
    steady, limits = steady or clock, limits or SiteLimits()
    served = assets.installed_assets()
    pages = Pages(served, settings.public_host, clock)
    sessions = Sessions(store, clock, session_ended, limits.sessions)
    accounts = AccountPages(store, listeners, passwords or Passwords(reactor), sessions, pages, settings, steady, setup)
    retention_days = settings.retention_days or None
    transports = Transports(store, listeners, steady)
    lines = SampleLines(SampleSender(reactor, clock, settings.listen_interface), steady)
    archives = Archives(store, place, reactor)
    quota = Quota(settings.max_lines_per_second or None, settings.max_bytes_per_day or None)
    settings_page = SettingsPage(
        store, pages, clock, steady, session_ended, transports, retention_days, lines, archives, quota, fingerprint,
        has_limits=settings.has_limits,
    )  # fmt: skip
    keeping_page = KeepingPage(store, settings_page, listeners, settings, steady)
    restricting_page = RestrictingPage(store, settings_page, listeners, quota, steady)
    drains_page = DrainsPage(store, settings_page, settings, steady)
    api = Api(store, lines)
    events = EventsApi(store, clock, retention_days, reactor.seconds, limits.search_seconds)
    top_values = TopValues(store, clock, reactor.seconds, limits.search_seconds)
    event_page = EventPage(store, events, pages)
    exports = Exports(store, clock, reactor.seconds, limits.export_events)
    downloads = Downloads(store, archives, settings_page, pages, clock)
    saved = SavedSearches(store, clock, steady)
    saved_page, saved_api = SavedPage(store, saved, pages), SavedApi(store, saved)
    marks = Marks(store, events, steady, marks_changed)
    marks_page, marks_api = MarksPage(store, marks, pages), MarksApi(store, marks)
    queries = Queries(clock)
    similar = [Similar(store, workers, clock, steady)] if workers else []
    reads = Throttle(READS, steady)
    senders, dashboard = Senders(store, pages, clock, reads), Dashboard(store, pages, clock, settings, reads)
    parts: tuple[Routed, ...] = (
        accounts,
        event_page,
        settings_page,
        drains_page,
        keeping_page,
        restricting_page,
        downloads,
        senders,
        dashboard,
        saved_page,
        saved_api,
        marks_page,
        marks_api,
        api,
        events,
        EventFields(store),
        ColumnsApi(store, steady),
        top_values,
        *similar,
        queries,
        exports,
        archives,
        Health(store, reactor),
    )
    routes = [route for part in parts for route in part.routes]
    answering = Routes(routes, sessions, pages, OriginPolicy(settings.public_url))
    strangers = Throttle(limits.strangers, steady)
    root = _Root(answering, served, pages, viewer_factory, settings, strangers)
    proxies = Proxies(settings.trusted_proxies)
    connections = Connections(settings.max_http_connections, settings.max_http_connections_per_address, proxies)
    return PplSite(root, viewer_factory, reactor, uploads, proxies, connections, Refusals(steady, limits.refusals))


class PplSite(Site):
    """Twisted's site class with Ppl's requests; starts and stops the viewers' factory with itself.

    Attributes:
        is_stopping: whether the site's port is closed.
        routes: the routes of the pages and the API, without ``/static``, ``/ws`` and uploads.
    """

    is_stopping = False
    displayTracebacks = False
    protocol = UploadChannel  # type: ignore[assignment]

    def __init__(
        self,
        root: _Root,
        viewer_factory: Any,
        reactor: Any,
        uploads: Uploads | None,
        proxies: Proxies,
        connections: Connections,
        refusals: Refusals,
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            root,
            Request,
            timeout=_IDLE_SECONDS,
            reactor=reactor,
            parsePOSTFormSubmission=False,
            logFormatter=log_line,
        )
        self.routes = root.routes.routes
        self.uploads = uploads
        self.turns = Turns(reactor)
        self.proxies = proxies
        self._connections, self._refusals = connections, refusals
        self._viewer_factory = viewer_factory

    def buildProtocol(self, address: Any) -> Any:
        """Twisted: a client has connected."""
        return self._connections.accept(super().buildProtocol(address), getattr(address, "host", None))

    def startFactory(self) -> None:
        """Twisted: the port is open. Start the viewers' factory too, which Autobahn's resource never does."""
        super().startFactory()
        self.is_stopping = False
        self._viewer_factory.doStart()

    def stopFactory(self) -> None:
        """Twisted: the port is closed; open connections last a moment longer."""
        self.is_stopping = True
        self._viewer_factory.doStop()
        super().stopFactory()

    def log(self, request: Any) -> None:
        """Twisted: log a response, unless it is for ``/healthz`` or an asset, or one of many."""
        is_quiet = request.uri.startswith((b"/healthz", assets.PREFIX.encode("ascii")))
        if not is_quiet and self._refusals.has_line(request):
            super().log(request)

    def acceptableProtocols(self) -> list[bytes]:
        """Only HTTP/1.1, since a WebSocket takes over the whole connection."""
        return [b"http/1.1"]


class _Root(Resource):
    """The site's only resource: it handles every request but uploads."""

    isLeaf = True

    def __init__(
        self,
        routes: Routes,
        served: assets.Assets,
        pages: Pages,
        viewer_factory: Any,
        settings: Settings,
        strangers: Throttle,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.routes = routes
        self._assets = served
        self._pages = pages
        self._websocket = WebSocketResource(viewer_factory)
        self._public_url, self._public_host = settings.public_url, settings.public_host
        self._hosts = hosts_of(settings.public_url, settings.public_host, gethostname(), settings.http_hosts)
        self._strangers = strangers

    def render(self, request: Any) -> Any:
        try:
            visit = visit_of(request, self._public_url, request.site.proxies)
        except ValueError:
            set_security_headers(request, False)
            path = request.uri.partition(b"?")[0].decode("ascii", "replace")
            nowhere = Visit("GET", path, path, {}, {}, b"", "", False, False)
            return send(request, self._pages.refusal(nowhere, BadRequest("The address cannot be parsed.")))
        set_security_headers(request, visit.secure)
        try:
            if request.site.is_stopping:
                # Changes made now could not take effect, such as closing the viewers of a session that ends.
                raise Unavailable("Ppl is stopping.")
            spend(self._strangers, visit.client)
            self._check_host(visit)
            if request.too_large:
                raise TooLarge(MAX_BODY)
            if visit.path == "/ws":
                return self._open_websocket(request, visit)
            if visit.path.startswith(assets.PREFIX):
                return send(request, self._assets.answer(visit))
        except Refusal as refusal:
            return send(request, self._pages.refusal(visit, refusal))
        visit = attrs.evolve(visit, recognised=partial(self._strangers.give_back, visit.client))
        return send_later(request, Deferred.fromCoroutine(self.routes.answer(visit)))

    def _check_host(self, visit: Visit) -> None:
        if visit.host and not is_host(visit.host):
            raise BadRequest("The Host header is malformed.")
        # Load balancers check /healthz under names of their own.
        if not self._hosts.has(visit.host) and visit.path != "/healthz":
            name, _, port = visit.host.partition(":")
            scheme = "https" if visit.tls else "http"
            own = f"{scheme}://{self._public_host}{':' if port else ''}{port}"
            raise Misdirected(name, self._public_url or own)

    def _open_websocket(self, request: Any, visit: Visit) -> Any:
        if visit.method != "GET":
            raise MethodNotAllowed(visit.method, "GET")
        if (visit.header("upgrade") or "").lower() != "websocket":
            raise UpgradeRequired
        channel, transport = request.channel, request.channel.transport
        rendered = self._websocket.render(request)
        if channel.transport is None:
            # Over TLS, the transport is itself a protocol that wraps the WebSocket's.
            channel.taken_over_by(getattr(transport, "wrappedProtocol", None) or transport.protocol)
        return rendered
