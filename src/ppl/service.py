"""The composition root: :class:`~ppl.options.Settings` in, one service that runs Ppl out.

The only module that knows the roles and which side of the link is local. ``twistd ppl`` and the ``.tac`` files come
in here. Parts start in the order they are listed and stop in reverse, each awaited.
"""

from __future__ import annotations

import atexit
import gc
import os
import resource
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.application.service import Application, IService, Service
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.usage import UsageError

from ppl.clock import wall_clock
from ppl.credentials import authenticate
from ppl.errors import PplError
from ppl.link.interface import LinkEnd
from ppl.link.local import LocalLink
from ppl.link.registry import Listeners
from ppl.link.websocket import LinkClient, LinkServer
from ppl.listener.control import ListenerControl
from ppl.listener.ports import Ports
from ppl.listener.receiver import ReceiverFactory
from ppl.listener.writer import Writer
from ppl.listening import Listening
from ppl.model import Destination
from ppl.options import Options, Settings, link_secret, settings_from
from ppl.origin import OriginPolicy
from ppl.sequence import SequentialService
from ppl.store.embedded import EmbeddedPostgres
from ppl.store.maintenance import Maintenance
from ppl.store.migrate import migrate
from ppl.store.pool import Pool
from ppl.store.postgres import PostgresStore
from ppl.viewer.hub import Hub
from ppl.viewer.protocol import ViewerFactory
from ppl.web.site import make_site

_log = Logger()


def makeService(options: Options) -> IService:
    """twistd's way in: the service of parsed ``options``; its failure to start stops the process with status 1."""
    return make_daemon(options.settings, global_reactor)


def make_application(role: str) -> Any:
    """What a ``.tac`` file needs: an application of that role, its options from the environment (``PPL_…``).

    Exits with one sentence where an option is wrong.
    """
    try:
        settings = settings_from({"role": role}, os.environ)
        application = Application(f"ppl-{role}")
        make_daemon(settings, global_reactor).setServiceParent(application)
    except UsageError as error:
        sys.exit(f"ppl: {error}")
    return application


def make_daemon(settings: Settings, reactor: Any) -> SequentialService:
    """Ppl as a whole process: as :func:`make_service`, and a failed start says why and ends the process."""
    _raise_open_files_limit()
    # Lines in flight are many small objects without cycles: looking through them again and again finds nothing.
    gc.set_threshold(100_000, 50, 100)
    # A thread that copies needs the interpreter for moments between long waits: it shall not queue for 5 ms each time.
    sys.setswitchinterval(0.0005)
    service = make_service(settings, reactor)

    def failed(failure: Failure) -> None:
        if failure.check(PplError):
            _log.critical("Ppl cannot start: {sentence}", sentence=failure.getErrorMessage())
        else:
            _log.failure("Ppl cannot start", failure)
        # twistd always exits with 0 after the reactor; systemd must see that the start failed.
        atexit.register(_exit_with_failure)
        try:
            reactor.stop()
        except ReactorNotRunning:
            reactor.callWhenRunning(reactor.stop)

    service.on_failed_start(failed)
    return service


def make_service(settings: Settings, reactor: Any) -> SequentialService:
    """All parts of ``settings.role`` in their order; nothing is opened before ``startService``.

    Raises:
        UsageError: the link's secret cannot be read or made.
    """
    parts: list[IService] = []
    if settings.database is None:
        embedded = EmbeddedPostgres(reactor, settings.data_dir)
        parts.append(embedded)
        dsn = embedded.dsn
    else:
        dsn = settings.database
    pool = Pool(reactor, dsn, settings.pool_size)
    store = PostgresStore(pool, wall_clock, settings.slot_seconds)
    parts += [pool, _Step(lambda: migrate(pool)), Maintenance(store, reactor, wall_clock)]
    if settings.role == "all":
        control, listening = _listener(settings, reactor, store)
        listeners = Listeners(reactor)
        parts += [*listening, LocalLink(reactor, control, listeners), *_server(settings, reactor, store, listeners)]
    elif settings.role == "listener":
        control, listening = _listener(settings, reactor, store)
        secret = link_secret(settings)
        parts += [*listening, *(LinkClient(reactor, endpoint, secret, control) for endpoint in settings.link)]
    else:
        listeners = Listeners(reactor)
        link = LinkServer(reactor, settings.link[0], link_secret(settings), listeners)
        parts += [link, *_server(settings, reactor, store, listeners)]
    return SequentialService([*parts, _Step(lambda: _say_ready(settings, store))])


def _listener(settings: Settings, reactor: Any, store: PostgresStore) -> tuple[LinkEnd, list[IService]]:
    control: ListenerControl

    def make_factory(destination: Destination) -> ReceiverFactory:
        return ReceiverFactory(destination, writer, wall_clock, settings.max_line_bytes, settings.max_connections)

    writer = Writer(store, lambda events: control.announce(events), reactor, wall_clock, settings.queue_bytes)
    ports = Ports(reactor, settings.listen_interface, make_factory, lambda *state: control.port_changed(*state))
    control = ListenerControl(store, ports, settings.public_host, reactor)
    return control, [writer, control]


def _server(settings: Settings, reactor: Any, store: PostgresStore, listeners: Listeners) -> list[IService]:
    hub = Hub(store, listeners, reactor, settings)
    viewers = ViewerFactory(
        hub,
        lambda cookie, authorization: authenticate(store, cookie, authorization),
        OriginPolicy(settings.public_url).allowed,
    )
    site = make_site(store, listeners, viewers, settings, reactor, wall_clock, hub.recheck)
    return [hub, Listening(reactor, "--http", settings.http, site)]


class _Step(Service):
    """One thing done at start, awaited before the next part starts."""

    def __init__(self, step: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        self._step = step

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        super().startService()
        return Deferred.fromCoroutine(self._step())


async def _say_ready(settings: Settings, store: PostgresStore) -> None:
    where = (settings.database and "your own PostgreSQL") or f"{settings.data_dir}"
    if settings.role == "listener":
        _log.info("Ppl's listener is ready; data lives in {where}", where=where)
        return
    known = [each for each in await store.destinations() if each.host == settings.public_host]
    _log.info("Ppl is ready. Open {url}", url=settings.public_url or _local_url(settings.http))
    host, port = settings.public_host, known[0].port if known else settings.ports.start
    first = "" if known else "Register there, then "
    _log.info("{first}send a line: echo 'hello, Ppl' | nc -w 1 {host} {port}", first=first, host=host, port=port)
    _log.info("Data lives in {where}", where=where)


def _local_url(endpoint: str) -> str:
    """The address a person opens for ``endpoint``, as far as its string tells."""
    kind, *words = endpoint.split(":")
    scheme = "https" if kind == "ssl" else "http"
    port = next((word.removeprefix("port=") for word in words if word.removeprefix("port=").isdigit()), "")
    return f"{scheme}://localhost:{port}/" if kind in ("tcp", "ssl", "tcp6") else endpoint


def _raise_open_files_limit() -> None:
    """Every sender, viewer and port is an open file: take what the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _exit_with_failure() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


#: What ``twisted.application.service.ServiceMaker`` looks for in this module, beside :func:`makeService`.
__all__ = ["Options", "makeService", "make_application", "make_daemon", "make_service"]
