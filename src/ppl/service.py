"""The composition root: builds the one service that runs Ppl from :class:`~ppl.options.Settings`.

Only this module knows the roles, and which side of the link is local. ``twistd ppl`` and the ``.tac`` files call it.
Parts start in the order they are listed and stop in reverse, each awaited.
"""

from __future__ import annotations

import atexit
import os
import resource
import shutil
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
from twisted.application.service import Application, IService, Service
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure
from twisted.python.usage import UsageError

from ppl.access.quota import Quota
from ppl.access.sessions import authenticate
from ppl.archive.directory import DirectoryPlace
from ppl.archive.interface import Place
from ppl.errors import ConfigurationError, PplError, StatementTimeout, StoreUnavailable
from ppl.http.client import Proxies
from ppl.http.origin import OriginPolicy
from ppl.link.interface import LinkEnd
from ppl.link.local import LocalLink
from ppl.link.registry import Listeners
from ppl.link.websocket import LinkClient, LinkServer
from ppl.listener.control import ListenerControl
from ppl.listener.http.admission import DrainAdmission, DrainLimits
from ppl.listener.http.drain import Drain, Farewell
from ppl.listener.http.site import DrainSite
from ppl.listener.intake import Intake
from ppl.listener.limits.admission import Admission, Limits
from ppl.listener.limits.losses import Losses
from ppl.listener.limits.meters import Meters
from ppl.listener.limits.partial_input import Unfinished
from ppl.listener.public_host import PublicHost
from ppl.listener.sockets.ports import Ports
from ppl.listener.tls import Certificates, self_signed
from ppl.listener.writing.writer import Writer
from ppl.options import Options, Settings, link_secret, settings_from, unknown_variables
from ppl.services.clock import make_steady, steady_clock, wall_clock
from ppl.services.listening import Listening, check_endpoint
from ppl.services.log_file import bounded_observer, log_path
from ppl.services.polling import bound_turns
from ppl.services.repeating import Background
from ppl.services.sequence import SequentialService, Together
from ppl.services.signals import heed_one_signal
from ppl.services.sockets import Sockets, inherited_from, initial_environment
from ppl.services.systemd import Manager, Ready, Watchdog, manager_from
from ppl.similar.workers import Workers
from ppl.store.connecting.migrate import migrate
from ppl.store.connecting.outage import PostgresOutage
from ppl.store.connecting.pool import Pool
from ppl.store.embedded.server import EmbeddedPostgres
from ppl.store.events.collation import collation_of
from ppl.store.events.searching import Searches
from ppl.store.events.statistics import Statistics
from ppl.store.maintenance import Maintenance
from ppl.store.postgres import PostgresStore
from ppl.store.upkeep.archives import archiving, set_archiving
from ppl.store.upkeep.census import PERIOD as CENSUS_PERIOD
from ppl.store.upkeep.census import Census
from ppl.store.upkeep.clock_repair import repair_clock
from ppl.store.upkeep.leaps import Leaps
from ppl.store.upkeep.retention import Retention
from ppl.store.upkeep.sealing import Sealer
from ppl.store.upkeep.size_limits import SizeLimits
from ppl.version import version
from ppl.viewer.hub import Hub
from ppl.viewer.protocol import ViewerFactory
from ppl.web.http.setup import Setup, setup_of
from ppl.web.site import make_site

_log = Logger()

#: Open files to ask for, and the number below which a busy service soon reaches its limit.
_OPEN_FILES, _FEW_OPEN_FILES = 524_288, 4_096


def makeService(options: Options) -> IService:
    """twistd's entry point: the service for parsed ``options``; if its start fails, the process ends with status 1."""
    with _said_alone():
        if options.parent is not None and not options.parent.get("nodaemon"):
            _check_before_daemonising(options.settings)
        daemon = make_daemon(options.settings, global_reactor)
        daemon.log_path = log_path(options.parent)
        return daemon


def make_application(role: str) -> Any:
    """An application of ``role`` for a ``.tac`` file; its options come from the environment (``PPL_…``).

    Exits with one sentence if an option is wrong.
    """
    with _said_alone():
        application = Application(f"ppl-{role}")
        make_daemon(settings_from({"role": role}, os.environ), global_reactor).setServiceParent(application)
    return application


@contextmanager
def _said_alone() -> Iterator[None]:
    """End the process with one sentence if an option is wrong: at this stage, twistd would show a traceback."""
    try:
        yield
    except (UsageError, ConfigurationError) as error:
        sys.exit(f"ppl: {error}")


def _check_before_daemonising(settings: Settings) -> None:
    """Raise ``ConfigurationError`` for errors known before the start: later, twistd's caller already has status 0."""
    if settings.role != "listener":
        check_endpoint("--http", settings.http)
    if settings.role == "server":
        check_endpoint("--link", settings.link[0])
    if settings.role != "server" and settings.drain is not None:
        check_endpoint("--drain", settings.drain)
    if settings.database is not None:
        return
    there = next(each for each in (settings.data_dir, *settings.data_dir.parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ConfigurationError(f"--data-dir: {settings.data_dir} cannot be used ({there} is not writable).")


class Daemon(SequentialService):
    """Ppl as a whole process.

    Attributes:
        log_path: the file to log to, ``None`` if twistd logs elsewhere.
    """

    log_path: Path | None = None

    def setServiceParent(self, parent: Any) -> None:
        """Twisted: become part of twistd's application ``parent``, which has not begun to log yet."""
        if self.log_path is not None:
            parent.setComponent(ILogObserver, bounded_observer(self.log_path))
        super().setServiceParent(parent)


def make_daemon(settings: Settings, reactor: Any) -> Daemon:
    """Ppl as a whole process: like :func:`make_service`, but a failed start is logged and ends the process."""
    make_steady(reactor)
    _log.info("This is Ppl {version}, role {role}", version=version(), role=settings.role)
    for sentence in unknown_variables(os.environ):
        _log.warn("{sentence}", sentence=sentence)
    heed_one_signal(reactor)
    _raise_open_files_limit()
    bound_turns(reactor)
    # A thread that copies needs the interpreter only for moments between long waits, and must not wait 5 ms for each.
    sys.setswitchinterval(0.0005)
    manager = manager_from(os.environ)
    sockets = Sockets(manager, inherited_from(initial_environment()))
    service = make_service(settings, reactor, manager, sockets)

    def failed(failure: Failure) -> None:
        if failure.check(PplError):
            _log.critical("Ppl cannot start: {sentence}", sentence=failure.getErrorMessage())
        else:
            _log.failure("Ppl cannot start", failure)
        end_with_failure(reactor)

    service.on_failed_start(failed)
    return service


def end_with_failure(reactor: Any) -> None:
    """Stop ``reactor``, which may not run yet or be stopping already, and make the process end with status 1."""
    # twistd always exits with 0 when the reactor has stopped; systemd must see that the start failed.
    atexit.register(_exit_with_failure)
    if reactor.running:
        with suppress(ReactorNotRunning):
            reactor.stop()
    else:
        reactor.callWhenRunning(reactor.stop)


def make_service(
    settings: Settings, reactor: Any, manager: Manager | None = None, sockets: Sockets | None = None
) -> Daemon:
    """The service with all parts of ``settings.role``, in order; nothing is opened before ``startService``.

    ``manager`` is notified of start and stop, and ``sockets`` gives the sockets to listen on.

    Raises:
        UsageError: the link's secret cannot be read or made.
    """
    parts: list[IService] = []
    manager, sockets = manager or Manager(), sockets or Sockets()
    if settings.database is None:
        embedded = EmbeddedPostgres(
            reactor, settings.data_dir, sql_port=settings.sql_port, is_leaving=lambda: not service.running
        )
        parts.append(embedded)
        dsn = embedded.dsn
    else:
        dsn = settings.database
    outage = PostgresOutage(reactor, dsn)
    pool = Pool(reactor, dsn, settings.pool_size, outage=outage)
    # Searches have their own pool, so that only searches wait for searches; PostgreSQL ends abandoned ones.
    searching = Pool(
        reactor,
        dsn,
        settings.search_pool_size,
        parameters={"client_connection_check_interval": "500ms"},
        application="ppl search",
        outage=outage,
    )
    store = PostgresStore(pool, wall_clock, settings.slot_seconds, Searches(searching))
    parts += [Together([pool, searching], reactor), _Step(lambda: migrate(pool))]
    if settings.repair_clock == "on" and settings.role != "server":
        parts.append(_Step(lambda: repair_clock(pool, settings.slot_seconds, wall_clock())))
    place = _archive_place(settings)
    setup = setup_of(settings)
    parts.append(_Step(lambda: _note_archiving(settings, place, pool)))
    workers = Workers(reactor, dsn, lambda query: query.sql(collation_of(searching.server_version)))
    maintenance = Maintenance(store, reactor, wall_clock)
    parts.append(Together([maintenance, *_background(settings, reactor, pool, dsn, place)], reactor))
    if settings.role == "all":
        certificates = Certificates(lambda: _certificate_files(settings), steady_clock)
        control, drain, listening = _listener(settings, reactor, store, sockets, certificates)
        listeners = Listeners(reactor)

        def fingerprint(host: str) -> str:
            return certificates.fingerprint if host == settings.public_host else ""

        serving = _server(settings, reactor, store, listeners, place, sockets, workers, drain, fingerprint, setup)
        parts += [*listening, LocalLink(reactor, control, listeners), *serving]
    elif settings.role == "listener":
        certificates = Certificates(lambda: _certificate_files(settings), steady_clock)
        control, _, listening = _listener(settings, reactor, store, sockets, certificates)
        secret = link_secret(settings)
        parts += [*listening, *(LinkClient(reactor, endpoint, secret, control) for endpoint in settings.link)]
    else:
        listeners = Listeners(reactor)
        link = LinkServer(reactor, settings.link[0], link_secret(settings), listeners)
        parts += [link, *_server(settings, reactor, store, listeners, place, sockets, workers, setup=setup)]
    parts += [_Step(lambda: _settle(sockets, store)), _Step(lambda: _say_ready(settings, store, setup)), Ready(manager)]
    # The watchdog comes first, so that it stops last.
    service = Daemon([Watchdog(manager, store.count_accounts, reactor), *parts], reactor)
    return service


async def _settle(sockets: Sockets, store: PostgresStore) -> None:
    """Release the sockets that no destination and no option uses."""
    try:
        await store.count_accounts()
    except (StoreUnavailable, StatementTimeout):
        return  # destinations cannot be read yet, and may use the sockets later
    sockets.settle()


def _background(settings: Settings, reactor: Any, pool: Pool, dsn: str, place: Place | None) -> list[IService]:
    """Services that maintain the store in the background; several processes of one installation take turns."""
    leaps = Leaps(pool, wall_clock, steady_clock)
    limits = SizeLimits(
        settings.keep_bytes or None,
        settings.keep_free_bytes or None,
        lambda: shutil.disk_usage(settings.data_dir).free,
    )
    retention = Retention(pool, wall_clock, settings.retention_days or None, leaps=leaps, limits=limits)
    sealer = Sealer(reactor, dsn, wall_clock)
    statistics = Statistics(pool)
    background: list[IService] = [
        Background("Retention", retention.run, retention.stop, reactor),
        Background("Sealing", sealer.run, sealer.stop, reactor),
        Background("Withholding of statistics", statistics.run, statistics.stop, reactor),
    ]
    if settings.role != "listener":
        census = Census(reactor, dsn, wall_clock)
        background.append(Background("The census of senders", census.run, census.stop, reactor, CENSUS_PERIOD))
    if place is not None:
        from ppl.archive.archiver import Archiver

        archiver = Archiver(reactor, dsn, wall_clock, place)
        background.append(Background("Archiving", archiver.run, archiver.stop, reactor))
    return background


def _archive_place(settings: Settings) -> Place | None:
    """The place that this process archives to; ``None`` if it archives nothing.

    The libraries for archives are heavy and optional, so they are imported only if archives are wanted.

    Raises:
        UsageError: a library is not installed.
    """
    if settings.archive in ("", "off"):
        return None
    try:
        import_module("pyarrow.parquet")
        if not settings.archive.startswith("s3://"):
            return DirectoryPlace(Path(settings.archive))
        from ppl.archive.bucket import BucketPlace
    except ImportError as error:
        raise UsageError(f"--archive: {error.name} is not installed, run: pip install 'ppl[archive]'.") from error
    bucket, _, prefix = settings.archive.removeprefix("s3://").partition("/")
    return BucketPlace(bucket, prefix, settings.archive_endpoint, settings.data_dir)


async def _note_archiving(settings: Settings, place: Place | None, pool: Pool) -> None:
    """Record whether retention in all processes of the installation must wait for archives."""
    if place is not None:
        settings.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    if place is not None or settings.archive == "off":
        await set_archiving(pool, place.name if place is not None else None)
    elif (where := await archiving(pool)) is not None:
        _log.warn(
            "Retention drops events only once they are archived in {where}, and this process does not archive: run one"
            " that does, or set --archive off",
            where=where,
        )


def _listener(
    settings: Settings, reactor: Any, store: PostgresStore, sockets: Sockets, certificates: Certificates
) -> tuple[LinkEnd, Drain, list[IService]]:
    control: ListenerControl
    writer = Writer(store, lambda events: control.announce(events), reactor, wall_clock, settings.queue_bytes)
    limits = Limits(
        settings.max_line_bytes,
        settings.max_connections,
        settings.max_connections_per_address,
        settings.max_connects_per_second,
    )
    unfinished = Unfinished(settings.partial_bytes, settings.partial_seconds, reactor)
    quota = Quota(settings.max_lines_per_second or None, settings.max_bytes_per_day or None)
    meters = Meters(store, writer, reactor, wall_clock, steady_clock, quota)
    admitting = Admission(limits, steady_clock)
    intake = Intake(writer, wall_clock, admitting, Losses(reactor), unfinished, meters, certificates)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] if settings.udp == "on" else 0
    ports = Ports(
        reactor, settings.listen_interface, intake, files, lambda *state: control.port_changed(*state), sockets
    )
    control = ListenerControl(store, ports, settings.public_host, reactor)
    drain_limits = DrainLimits(
        settings.max_drain_bytes,
        settings.max_drain_requests,
        settings.max_drain_requests_per_second,
        settings.queue_bytes,
    )
    admission = DrainAdmission(store, intake, settings.public_host, drain_limits)
    proxies = Proxies(settings.trusted_proxies)
    drain = Drain(intake, admission, store, reactor, proxies)
    following = PublicHost(store, settings.data_dir, settings.public_host, settings.former_host)
    parts: list[IService] = [following, certificates, Farewell(drain), writer, meters, control, drain]
    if settings.drain is not None:
        site = DrainSite(drain, reactor, intake.admission, proxies)
        parts.append(Listening(sockets.adopting(reactor), "--drain", settings.drain, site))
    return control, drain, parts


def _certificate_files(settings: Settings) -> tuple[Path, Path]:
    if settings.tls_certificate is not None and settings.tls_key is not None:
        return settings.tls_certificate, settings.tls_key
    return self_signed(settings.data_dir / "tls", settings.public_host)


def _server(
    settings: Settings,
    reactor: Any,
    store: PostgresStore,
    listeners: Listeners,
    place: Place | None,
    sockets: Sockets,
    workers: Workers,
    drain: Drain | None = None,
    fingerprint: Callable[[str], str] = lambda host: "",
    setup: Setup | None = None,
) -> list[IService]:
    hub = Hub(store, listeners, reactor, settings)
    viewers = ViewerFactory(
        hub,
        lambda cookie, authorization: authenticate(store, cookie, authorization),
        OriginPolicy(settings.public_url).allowed,
        Proxies(settings.trusted_proxies).says_tls,
    )
    # The other open files are for senders, ports, PostgreSQL and files on disk.
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    settings = attrs.evolve(settings, max_http_connections=settings.max_http_connections or files // 3)
    site = make_site(
        store,
        listeners,
        viewers,
        settings,
        reactor,
        wall_clock,
        hub.recheck,
        drain,
        place,
        steady_clock,
        fingerprint,
        setup,
        hub.marks_changed,
        workers,
    )
    return [hub, workers, Listening(sockets.adopting(reactor), "--http", settings.http, site)]


class _Step(Service):
    """A step of the start, awaited before the next part starts."""

    def __init__(self, step: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        self._step = step

    def startService(self) -> Deferred[None]:  # type: ignore[override]
        super().startService()
        return Deferred.fromCoroutine(self._step())


async def _say_ready(settings: Settings, store: PostgresStore, setup: Setup | None) -> None:
    where = (settings.database and "your own PostgreSQL") or f"{settings.data_dir}"
    if settings.role == "listener":
        _log.info("Ppl's listener is ready; data lives in {where}", where=where)
        return
    known = [each for each in await store.destinations() if each.served_by == settings.public_host]
    url = settings.public_url or _local_url(settings.http)
    if setup is not None and await store.count_accounts() == 0:
        url = f"{url.rstrip('/')}/{setup.path}"
    _log.info("Ppl is ready. Open {url}", url=url)
    host, port = (known[0].host, known[0].port) if known else (settings.public_host, settings.ports.start)
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
    """Raise the limit of open files as far as allowed: every sender, viewer and port takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in (max(hard, _OPEN_FILES), hard):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        except (ValueError, OSError):  # the limit may not be raised that far
            continue
        soft = limit
        break
    if soft < _FEW_OPEN_FILES:
        _log.warn(
            "Only {soft} files may be open, and every sender, viewer and port is one: raise the hard limit"
            " (LimitNOFILE= in systemd's unit, ulimit -Hn)",
            soft=soft,
        )


def _exit_with_failure() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


#: ``twisted.application.service.ServiceMaker`` looks for ``Options`` in this module, beside :func:`makeService`.
__all__ = ["Options", "makeService", "make_application", "make_daemon", "make_service"]
