"""Options of ``twistd ppl`` and their environment variables, as one table; the result is a frozen :class:`Settings`.

The command line wins over the environment, the environment over the default. ``docs/options.rst`` is generated from
:data:`OPTIONS`. A wrong value raises ``usage.UsageError`` with one sentence that names the option and says why.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any, Literal, cast

import attrs
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.testing import MemoryReactor
from twisted.python import usage

from ppl.access.quota import MOST_BYTES_PER_DAY, MOST_LINES_PER_SECOND
from ppl.dsn import parsed
from ppl.version import version
from twisted import __version__ as twisted_version

RoleName = Literal["all", "listener", "server"]
RegistrationPolicy = Literal["first", "first-open", "open", "closed"]


@attrs.frozen
class Settings:
    """All settings, validated. Field names are the option names with ``_`` for ``-``."""

    role: RoleName
    data_dir: Path
    database: str | None = attrs.field(repr=False)
    """libpq DSN, or ``None`` for the embedded PostgreSQL under ``data_dir``."""
    http: str
    public_url: str | None
    """Scheme and authority that browsers use (``https://logs.example.com``); ``None``: as their request says."""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    public_host: str
    former_host: str | None
    http_hosts: tuple[str, ...]
    ports: range
    listen_interface: str
    link: tuple[str, ...]
    """Endpoint strings: servers to connect to (role ``listener``) or the one to listen on (role ``server``)."""
    link_secret: str = attrs.field(repr=False)
    registration: RegistrationPolicy
    max_line_bytes: int
    max_portion: int
    max_frame_bytes: int
    max_destinations: int
    max_viewers: int
    max_http_connections: int
    """0: a third of the files that may be open."""
    max_http_connections_per_address: int
    max_connections: int
    max_connections_per_address: int
    max_connects_per_second: int
    max_lines_per_second: int
    max_bytes_per_day: int
    """0: no quota."""
    udp: Literal["on", "off"]
    partial_bytes: int
    partial_seconds: int
    tls_certificate: Path | None
    tls_key: Path | None
    """PEM files of clients' ports, both or neither; ``None``: a self-signed one under ``data_dir``."""
    drain: str | None
    """Endpoint where a listener takes uploads, besides the site of role ``all``, or ``None``."""
    drain_url: str | None
    """Scheme and authority of the drain that the settings page shows; ``None``: those of the page."""
    max_drain_bytes: int
    max_drain_requests: int
    max_drain_requests_per_second: int
    queue_bytes: int
    pool_size: int
    search_pool_size: int
    slot_seconds: int
    retention_days: int
    """0: events are kept for ever."""
    keep_bytes: int
    """0: events may take any room."""
    keep_free_bytes: int
    """0: the disk may become full."""
    repair_clock: Literal["on", "off"]
    sql_port: int
    """0: the embedded PostgreSQL is reached by its socket only."""
    archive: str
    """``""``: this process archives nothing; ``off``: archiving has ended; else a path or ``s3://bucket/prefix``."""
    archive_endpoint: str | None
    viewer_queue_events: int

    @property
    def has_limits(self) -> bool:
        """Whether the oldest events go when room is short."""
        return bool(self.keep_bytes or self.keep_free_bytes)


def _integer(minimum: int, maximum: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not re.fullmatch(r"\d{1,15}", text, re.ASCII) or not minimum <= int(text) <= maximum:
            raise ValueError(f"it must be a whole number from {minimum} to {maximum}")
        return int(text)

    return convert


def _one_of(*words: str) -> Callable[[str], str]:
    def convert(text: str) -> str:
        if text not in words:
            raise ValueError(f"it must be one of {', '.join(words)}")
        return text

    return convert


def _path(text: str) -> Path:
    if not text:
        raise ValueError("it must name a directory")
    return Path(text).expanduser().absolute()


def _file(text: str) -> Path | None:
    return Path(text).expanduser().absolute() if text else None


def _archive(text: str) -> str:
    if text in ("", "off"):
        return text
    if "://" not in text:
        return str(Path(text).expanduser().absolute())
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](?:/[\w.=+\-]+)*/?", text, re.ASCII):
        raise ValueError("it must be a directory, s3://bucket/prefix, or off")
    return text.rstrip("/")


def _dsn(text: str) -> str | None:
    if not text:
        return None
    if "://" in text and not text.startswith(("postgresql://", "postgres://")):
        raise ValueError("it must start with postgresql:// or be a list of key=value")
    if "://" not in text and "=" not in text:
        raise ValueError("it must be postgresql://… or a list of key=value such as 'host=db dbname=ppl'")
    parsed(text)
    return text


def _server_endpoint(text: str) -> str:
    try:
        # A reactor in memory: the string is parsed as Twisted will parse it, nothing is opened.
        serverFromString(MemoryReactor(), text)
    except Exception as error:
        raise ValueError(
            f"it must be a Twisted server endpoint such as tcp:8080:interface=127.0.0.1 ({error})"
        ) from error
    return text


def _endpoint_or_none(text: str) -> str | None:
    return _server_endpoint(text) if text else None


def _url(text: str) -> str | None:
    if not text:
        return None
    if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]{1,253}", text):
        raise ValueError("it must be a scheme and a host such as https://logs.example.com, without a path")
    return text.lower()


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39}", text):
        raise ValueError("it must be a host name or an address")
    return text.lower()


def _host_or_none(text: str) -> str | None:
    return _host(text) if text else None


def _hosts(text: str) -> tuple[str, ...]:
    return tuple(_host(each) for each in re.split(r"[,\s]+", text) if each)


def _ports(text: str) -> range:
    match = re.fullmatch(r"(\d{1,5})-(\d{1,5})", text, re.ASCII)
    if not match or not 1 <= int(match[1]) <= int(match[2]) <= 65535:
        raise ValueError("it must be a range such as 20000-29999, from 1 to 65535")
    return range(int(match[1]), int(match[2]) + 1)


def _interface(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError as error:
        raise ValueError("it must be an address of this machine such as 0.0.0.0, :: or 127.0.0.1") from error


def _networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(each) for each in re.split(r"[,\s]+", text) if each)
    except ValueError as error:
        raise ValueError(f"it must be networks such as 10.0.0.0/8,::1 ({error})") from error


def _links(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split() if part)


def _secret(text: str) -> str:
    if text and len(text) < 16:
        raise ValueError("a shared secret must have at least 16 characters")
    return text


def _default_data_dir() -> str:
    if os.geteuid() == 0:
        return "/var/lib/ppl"
    return str(Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share").expanduser() / "ppl")


@attrs.frozen
class Option:
    """One option: ``--name`` and ``PPL_NAME``.

    Attributes:
        name: with dashes, as on the command line.
        default: as text.
        convert: text → value; raises ``ValueError`` with the end of a sentence.
        doc: one sentence for ``--help`` and the documentation.
        is_secret: whether its value may hold a password, so that no message shows it.
    """

    name: str
    default: str
    convert: Callable[[str], Any]
    doc: str
    is_secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable."""
        return "PPL_" + self.name.upper().replace("-", "_")


OPTIONS: tuple[Option, ...] = (
    Option("role", "all", _one_of("all", "listener", "server"),
           "What this process is: all in one, or only the listener or the server."),
    Option("data-dir", _default_data_dir(), _path,
           "Directory for the embedded PostgreSQL and generated secrets."),
    Option("database", "", _dsn,
           "DSN of your own PostgreSQL 15 or newer; empty: embedded, under the data directory.", is_secret=True),
    Option("http", "tcp:8080:interface=127.0.0.1", _server_endpoint,
           "Where browsers connect: a Twisted server endpoint."),
    Option("public-url", "", _url,
           "Scheme and host that browsers use, such as https://logs.example.com behind a proxy; "
           "empty: as the Host header says."),
    Option("trusted-proxies", "127.0.0.0/8,::1", _networks,
           "Networks of the reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are trusted, separated by "
           "commas; empty: none."),
    Option("public-host", "localhost", _host,
           "Host name given to clients as their log destination; a listener serves the destinations with this host, "
           "which are renamed when it changes."),
    Option("former-host", "", _host_or_none,
           "A former --public-host whose destinations this listener takes over; not needed for one that this "
           "listener had itself."),
    Option("http-hosts", "", _hosts,
           "Further host names by which browsers reach the site, separated by commas; always accepted are those of "
           "--public-url and --public-host, the machine's own, localhost and addresses."),
    Option("ports", "20000-29999", _ports,
           "Range of TCP ports given to clients, first-last."),
    Option("listen-interface", "127.0.0.1", _interface,
           "Address on which clients' ports are opened; 0.0.0.0 or :: for all."),
    Option("link", "tcp:8081:interface=127.0.0.1", _links,
           "Role server: endpoint on which listeners connect. Role listener: client endpoints of all servers, "
           "separated by spaces, such as tcp:127.0.0.1:8081."),
    Option("link-secret", "", _secret,
           "Secret shared by listeners and servers, at least 16 characters; "
           "empty: made and kept in the data directory.", is_secret=True),
    Option("registration", "first", _one_of("first", "first-open", "open", "closed"),
           "Who may register: only the first account (first), anyone (open), or nobody (closed). If others can reach "
           "the site, the first account needs the link that the log shows; with first-open it does not."),
    Option("max-line-bytes", "100000", _integer(480, 16_000_000),
           "Longest line in bytes; longer ones are cut and marked."),
    Option("max-portion", "1000", _integer(1, 10_000),
           "Most events in one portion of history (logs_portion)."),
    Option("max-frame-bytes", "65536", _integer(1024, 16_000_000),
           "Largest WebSocket message accepted from a viewer, in bytes."),
    Option("max-destinations", "20", _integer(1, 100_000),
           "Most open destinations of one account; each has a port of --ports."),
    Option("max-viewers", "100", _integer(1, 100_000),
           "Most open WebSockets of one account."),
    Option("max-http-connections", "0", _integer(0, 1_000_000),
           "Most connections to the site, WebSockets included; 0: a third of the files that may be open, which leaves "
           "the rest to senders."),
    Option("max-http-connections-per-address", "500", _integer(1, 1_000_000),
           "Most connections to the site from one address (for IPv6 its /64), except from --trusted-proxies."),
    Option("max-connections", "1000", _integer(1, 1_000_000),
           "Most sender connections to one destination."),
    Option("max-connections-per-address", "200", _integer(1, 1_000_000),
           "Most connections of senders, and of uploads to --drain, from one address, to all destinations together."),
    Option("max-connects-per-second", "100", _integer(1, 100_000),
           "Most new connections per second of senders and of uploads to --drain, from one address and to one "
           "destination; ten times as many in a burst."),
    Option("max-lines-per-second", "0", _integer(0, MOST_LINES_PER_SECOND),
           "Most lines per second for one destination, ten times as many in a burst; 0: no quota. The owner can set a "
           "lower one."),
    Option("max-bytes-per-day", "0", _integer(0, MOST_BYTES_PER_DAY),
           "Most bytes, as received, for one destination per UTC day; 0: no quota. The owner can set a lower one."),
    Option("udp", "on", _one_of("on", "off"),
           "Whether clients' ports accept UDP as well as TCP."),
    Option("partial-bytes", "67108864", _integer(65536, 1 << 40),
           "Most bytes of unfinished lines and RELP frames that all sender connections together may hold."),
    Option("partial-seconds", "300", _integer(2, 31_536_000),
           "Seconds after which an unfinished line is shown as far as it has arrived, and an unfinished RELP frame "
           "ends its connection; at the earliest after half of that time. A first line that is probably whole is shown "
           "after a second."),
    Option("tls-certificate", "", _file,
           "PEM file with the certificate (and its chain) that clients' ports show; read again when it changes; "
           "empty: a self-signed one, made in the data directory."),
    Option("tls-key", "", _file,
           "PEM file with the certificate's private key."),
    Option("drain", "", _endpoint_or_none,
           "Twisted server endpoint on which a listener takes lines over HTTP, at /logs/; "
           "empty: only role all takes them, on the site."),
    Option("drain-url", "", _url,
           "Scheme and host of the drain that the settings page shows, such as https://drain.example.com; "
           "empty: the site's."),
    Option("max-drain-bytes", "16000000", _integer(65536, 1 << 30),
           "Most bytes of one upload to the drain, also after unzipping."),
    Option("max-drain-requests", "32", _integer(1, 100_000),
           "Most uploads under way to one destination."),
    Option("max-drain-requests-per-second", "100", _integer(1, 100_000),
           "Most uploads per second to one destination; ten times as many in a burst."),
    Option("queue-bytes", "67108864", _integer(65536, 1 << 40),
           "Bytes of received lines that may wait for the database before senders are paused."),
    Option("pool-size", "8", _integer(2, 1000),
           "Connections to PostgreSQL."),
    Option("search-pool-size", "3", _integer(1, 1000),
           "Further connections to PostgreSQL, for searches, and so the most searches that run at once."),
    Option("slot-seconds", "3600", _integer(1, 31_536_000),
           "Width of a time slot of stored events, in seconds."),
    Option("retention-days", "0", _integer(0, 36_500),
           "Days for which events are kept, unless the owner of a destination sets another number; 0: for ever."),
    Option("keep-bytes", "0", _integer(0, 1 << 60),
           "Most bytes that the database may take: beyond it, the oldest events are dropped, but never those of the "
           "last two days; 0: any number."),
    Option("keep-free-bytes", "0", _integer(0, 1 << 60),
           "Least bytes that the disk of the embedded PostgreSQL shall have free: with less, the oldest events are "
           "dropped, but never those of the last two days; 0: none."),
    Option("repair-clock", "off", _one_of("on", "off"),
           "on: before receiving begins, move events that were stored ahead of the clock back; meant for one start."),
    Option("sql-port", "0", _integer(0, 65_535),
           "Port on 127.0.0.1 where the embedded PostgreSQL accepts readers such as psql and Grafana; 0: none."),
    Option("archive", "", _archive,
           "Where each day's events are archived as Parquet before retention drops them: a directory or "
           "s3://bucket/prefix; off: ends archiving for the installation; empty: this process does not archive."),
    Option("archive-endpoint", "", _url,
           "URL of the S3 server where it is not Amazon's, such as http://localhost:9000."),
    Option("viewer-queue-events", "20000", _integer(100, 1_000_000),
           "Live events that may wait for one slow viewer before a live_gap is sent."),
)  # fmt: skip


class Options(usage.Options):  # type: ignore[misc]
    """``twistd ppl --help``; after parsing, ``settings`` is set, or the process ends with one sentence."""

    synopsis = "[options]"
    optParameters = tuple(
        [option.name, None, None, f"{option.doc} [{option.variable}, default {option.default or 'empty'!r}]"]
        for option in OPTIONS
    )
    settings: Settings

    def parseOptions(self, options: Sequence[str] | None = None) -> None:
        """Parse as Twisted does, but print only the error: twistd would print all of ``--help`` before it."""
        try:
            super().parseOptions(options)
        except usage.UsageError as error:
            sys.exit(f"ppl: {error}")

    def opt_version(self) -> None:
        """Print the version of Ppl, and exit."""
        sys.stdout.write(f"Ppl {version()} (Twisted {twisted_version})\n")
        sys.exit(0)

    def parseArgs(self, *words: str) -> None:
        """Refuse arguments that are not options; raises ``usage.UsageError``."""
        if words:
            raise usage.UsageError(f"{words[0]!r} is not an option; see twistd ppl --help.")

    def postOptions(self) -> None:
        """Turn the given options into ``settings``; raises ``usage.UsageError``."""
        given = {name: value for name, value in self.items() if value is not None}
        self.settings = settings_from(given, os.environ)


def settings_from(given: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """The settings from ``given`` (option name → text), else from ``environment``, else the defaults.

    Raises:
        usage.UsageError: one sentence that says which option is wrong and why.
    """
    values: dict[str, Any] = {}
    for option in OPTIONS:
        source = f"--{option.name}"
        text = given.get(option.name)
        if text is None and option.variable in environment:
            source, text = option.variable, environment[option.variable]
        try:
            values[option.name.replace("-", "_")] = option.convert(option.default if text is None else text)
        except ValueError as error:
            shown = "the value given" if option.is_secret else repr(text)
            raise usage.UsageError(f"{source}: {shown} is wrong, {error}.") from error
    settings = Settings(**values)
    _check_together(settings, linked=bool(given.get("link") or environment.get("PPL_LINK")))
    return settings


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A sentence about each variable that is named like an option of Ppl but is not one."""
    known = {option.variable for option in OPTIONS}
    return [
        f"{name} is not an option of Ppl and is ignored"
        + (f"; did you mean {nearest[0]}?" if (nearest := get_close_matches(name, known, 1, 0.8)) else "")
        for name in sorted(environment)
        if name.startswith("PPL_") and name not in known and not name.startswith("PPL_TEST_")
    ]


def _check_together(settings: Settings, linked: bool) -> None:
    if (settings.tls_certificate is None) != (settings.tls_key is None):
        raise usage.UsageError("--tls-certificate and --tls-key: give both or neither.")
    if settings.archive_endpoint and not settings.archive.startswith("s3://"):
        raise usage.UsageError("--archive-endpoint: it needs --archive s3://bucket/prefix.")
    if settings.keep_free_bytes and settings.database is not None:
        raise usage.UsageError("--keep-free-bytes: it needs the embedded PostgreSQL, whose disk Ppl can see.")
    if settings.role == "listener":
        if not linked:
            raise usage.UsageError("--link: a listener needs the endpoint of its server, such as tcp:127.0.0.1:8081.")
        _check_links(settings.link, lambda text: clientFromString(MemoryReactor(), text), "client")
    if settings.role == "server":
        if len(settings.link) != 1:
            raise usage.UsageError("--link: a server listens for listeners on exactly one endpoint.")
        _check_links(settings.link, lambda text: serverFromString(MemoryReactor(), text), "server")


def _check_links(links: Sequence[str], parse: Callable[[str], object], kind: str) -> None:
    for text in links:
        try:
            parse(text)
        except Exception as error:
            raise usage.UsageError(f"--link: {text!r} is not a Twisted {kind} endpoint ({error}).") from error


def link_secret(settings: Settings) -> str:
    """The link's shared secret: as set, or from ``data_dir/link-secret``, which is made (mode 0600) when missing.

    Raises:
        usage.UsageError: the file cannot be read or made.
    """
    if settings.link_secret:
        return settings.link_secret
    path = settings.data_dir / "link-secret"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return path.read_text("ascii").strip()
        secret = secrets.token_urlsafe(32)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secret + "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise usage.UsageError(f"--link-secret: {path} cannot be used ({error}).") from error
    return secret


def option_table() -> str:
    """The options as a reStructuredText list-table, for the documentation."""
    rows = [".. list-table::", "   :header-rows: 1", "   :widths: 22 26 22 60", ""]
    cells: list[tuple[str, str, str, str]] = [("Option", "Environment", "Default", "Meaning")]
    for option in OPTIONS:
        default = (
            "``/var/lib/ppl`` as root, else ``~/.local/share/ppl``"
            if option.name == "data-dir"
            else (f"``{option.default}``" if option.default else "empty")
        )
        cells.append((f"``--{option.name}``", f"``{option.variable}``", default, option.doc))
    for row in cells:
        rows += [f"   {'* -' if index == 0 else '  -'} {cell}" for index, cell in enumerate(row)]
    return "\n".join(rows) + "\n"


def default_settings(**changes: object) -> Settings:
    """Settings of the defaults with ``changes``; for tests and programs that embed Ppl."""
    return attrs.evolve(settings_from({}, {}), **cast(Any, changes))
