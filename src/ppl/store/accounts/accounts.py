"""Accounts, destinations and sessions in PostgreSQL: a part of :class:`ppl.store.postgres.PostgresStore`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ppl.errors import AlreadyExists, NoPortLeft, RegistrationClosed, TooManyDestinations
from ppl.model import Account, Clock, Destination, Role, Transport
from ppl.store.connecting.locks import REGISTER, lock
from ppl.store.connecting.pool import Pool, Transaction
from ppl.store.interface import Session, SessionKind

#: The columns of a :class:`~ppl.model.Destination`.
DESTINATION = (
    "d.id, d.host, d.port, d.time_zone, d.transport, d.retention_days, d.closed_at, d.listener_host, d.former_hosts,"
    " d.networks, d.max_lines_per_second, d.max_bytes_per_day,"
    " ARRAY(SELECT t.secret_hash FROM sender_token t WHERE t.destination_id = d.id ORDER BY t.id),"
    " d.client_certificates"
)
_SESSION = "s.id, s.kind, s.label, s.created_at, s.expires_at"


class AccountStore:
    """The methods of :class:`ppl.store.interface.PeopleStore` for accounts, destinations and sessions."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock

    async def count_accounts(self) -> int:
        """How many accounts exist."""
        ((count,),) = await self._pool.look_up("SELECT count(*) FROM account")
        return int(count)

    async def register(
        self,
        email: str,
        password_hash: str,
        time_zone: str,
        host: str,
        ports: range,
        *,
        only_first: bool,
        is_taken: Callable[[int], bool] = lambda port: False,
    ) -> tuple[Account, Destination]:
        """Create an account with its destination."""
        email = email.lower()

        async def work(transaction: Transaction) -> tuple[Account, Destination]:
            # One registration at a time: two at once could both be the first, or get the same port.
            await lock(transaction, REGISTER)
            await _check_admission(transaction, email, only_first)
            port = await _free_port(transaction, host, ports, is_taken)
            now = self._clock()
            ((account_id,),) = await transaction.run(
                "INSERT INTO account (email, password_hash, time_zone, created_at)"
                " VALUES (%s, %s, %s, %s) RETURNING id",
                [email, password_hash, time_zone, now],
            )
            destination = await _create_destination(transaction, account_id, host, port, time_zone, now)
            return Account(account_id, email, time_zone), destination

        return await self._pool.transact(work)

    async def create_destination(
        self,
        account_id: int,
        host: str,
        ports: range,
        most: int,
        is_taken: Callable[[int], bool] = lambda port: False,
    ) -> Destination:
        """Give the account one more destination."""

        async def work(transaction: Transaction) -> Destination:
            await lock(transaction, REGISTER)
            ((time_zone, count),) = await transaction.run(
                "SELECT a.time_zone, (SELECT count(*) FROM membership m JOIN destination d ON d.id = m.destination_id"
                " WHERE m.account_id = a.id AND m.role = 'owner' AND d.closed_at IS NULL)"
                " FROM account a WHERE a.id = %s",
                [account_id],
            )
            if count >= most:
                raise TooManyDestinations(f"An account may have {most} open destinations: close one first.")
            port = await _free_port(transaction, host, ports, is_taken)
            return await _create_destination(transaction, account_id, host, port, time_zone, self._clock())

        return await self._pool.transact(work)

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The account of ``email`` and its password hash."""
        if "\0" in email:
            return None
        rows = await self._pool.look_up(
            "SELECT id, email, time_zone, password_hash FROM account WHERE lower(email) = lower(%s)", [email.lower()]
        )
        return (Account(*rows[0][:3]), rows[0][3]) if rows else None

    async def set_password_hash(self, account_id: int, password_hash: str) -> None:
        """Replace the account's password hash."""
        await self._pool.run("UPDATE account SET password_hash = %s WHERE id = %s", [password_hash, account_id])

    async def set_time_zone(self, account_id: int, time_zone: str) -> None:
        """Change the account's zone, and that of the destinations it owns."""
        await self._pool.run(
            "UPDATE account SET time_zone = %s WHERE id = %s;"
            "UPDATE destination SET time_zone = %s WHERE id IN"
            " (SELECT destination_id FROM membership WHERE account_id = %s AND role = 'owner')",
            [time_zone, account_id, time_zone, account_id],
        )

    async def set_transport(self, account_id: int, destination_id: int, transport: Transport) -> bool:
        """Change which transport the port of a destination accepts; ``False`` if the account does not own it."""
        return await self._change(account_id, destination_id, "transport = %s", transport)

    async def set_retention(self, account_id: int, destination_id: int, days: int | None) -> bool:
        """Change the retention of a destination; ``False`` if the account does not own it."""
        return await self._change(account_id, destination_id, "retention_days = %s", days)

    async def set_networks(self, account_id: int, destination_id: int, networks: Sequence[str]) -> bool:
        """Change which networks may send to a destination; ``False`` if the account does not own it."""
        return await self._change(account_id, destination_id, "networks = %s", list(networks))

    async def set_client_certificates(self, account_id: int, destination_id: int, pem: str) -> bool:
        """Change which certificates senders may show; ``False`` if the account does not own the destination."""
        return await self._change(account_id, destination_id, "client_certificates = %s", pem)

    async def set_quota(
        self, account_id: int, destination_id: int, lines_per_second: int | None, bytes_per_day: int | None
    ) -> bool:
        """Change the owner's quota of a destination; ``False`` if the account does not own it."""
        assignments = "max_lines_per_second = %s, max_bytes_per_day = %s"
        return await self._change(account_id, destination_id, assignments, lines_per_second, bytes_per_day)

    async def close_destination(self, account_id: int, destination_id: int) -> bool:
        """Close a destination, so that it receives nothing; ``False`` if the account does not own it."""
        return await self._change(account_id, destination_id, "closed_at = coalesce(closed_at, %s)", self._clock())

    async def _change(self, account_id: int, destination_id: int, assignment: str, *values: object) -> bool:
        rows = await self._pool.run(
            f"UPDATE destination SET {assignment} WHERE id = %s AND EXISTS (SELECT FROM membership"  # noqa: S608
            " WHERE account_id = %s AND destination_id = %s AND role = 'owner') RETURNING id",
            [*values, destination_id, account_id, destination_id],
        )
        return bool(rows)

    async def destinations(self) -> Sequence[Destination]:
        """All destinations that are not closed, by id."""
        rows = await self._pool.read(
            f"SELECT {DESTINATION} FROM destination d WHERE d.closed_at IS NULL ORDER BY d.id"  # noqa: S608
        )
        return [Destination(*row) for row in rows]

    async def destinations_of(self, account_id: int) -> Sequence[tuple[Destination, Role]]:
        """The destinations that the account may read, and its role in each, by id."""
        rows = await self._pool.look_up(
            f"SELECT {DESTINATION}, m.role"  # noqa: S608
            " FROM membership m JOIN destination d ON d.id = m.destination_id"
            " WHERE m.account_id = %s ORDER BY d.id",
            [account_id],
        )
        return [(Destination(*row[:-1]), row[-1]) for row in rows]

    async def destination(self, host: str, port: int) -> Destination | None:
        """The destination ``host:port``, unless it is closed."""
        if "\0" in host or not 1 <= port <= 65535:
            return None
        rows = await self._pool.look_up(
            f"SELECT {DESTINATION} FROM destination d WHERE d.host = %s AND d.port = %s AND d.closed_at IS NULL",  # noqa: S608
            [host, port],
        )
        return Destination(*rows[0]) if rows else None

    async def move_destinations(self, former_host: str, host: str) -> tuple[Sequence[str], Sequence[str]]:
        """Move the destinations of the listener of ``former_host`` to that of ``host``, in one transaction."""

        async def work(transaction: Transaction) -> tuple[Sequence[str], Sequence[str]]:
            await lock(transaction, REGISTER)
            renamed = await transaction.run(
                "UPDATE destination d SET host = %s, former_hosts = CASE WHEN d.host = ANY (d.former_hosts)"
                " THEN d.former_hosts ELSE array_append(d.former_hosts, d.host) END"
                " WHERE d.host = %s AND d.listener_host IS NULL"
                " AND NOT EXISTS (SELECT FROM destination o WHERE o.host = %s AND o.port = d.port)"
                " RETURNING d.host, d.port",
                [host, former_host, host],
            )
            kept = await transaction.run(
                "UPDATE destination SET listener_host = %s WHERE coalesce(listener_host, host) = %s"
                " RETURNING host, port",
                [host, former_host],
            )
            return [f"{name}:{port}" for name, port in renamed], [f"{name}:{port}" for name, port in kept]

        return await self._pool.transact(work)

    async def create_session(
        self, account_id: int, secret_hash: bytes, kind: SessionKind, label: str, expires_at: int | None
    ) -> Session:
        """Store a session."""
        now = self._clock()
        ((session_id,),) = await self._pool.run(
            "INSERT INTO session (account_id, secret_hash, kind, label, created_at, expires_at)"
            " VALUES (%s, %s, %s, %s, %s, %s) RETURNING id",
            [account_id, secret_hash, kind, label, now, expires_at],
        )
        return Session(session_id, kind, label, now, expires_at)

    async def session(self, secret_hash: bytes) -> tuple[Session, Account] | None:
        """The session of that hash and its account, unless the session has expired."""
        rows = await self._pool.look_up(
            f"SELECT {_SESSION}, a.id, a.email, a.time_zone FROM session s JOIN account a ON a.id = s.account_id"  # noqa: S608
            " WHERE s.secret_hash = %s AND (s.expires_at IS NULL OR s.expires_at > %s)",
            [secret_hash, self._clock()],
        )
        return (Session(*rows[0][:5]), Account(*rows[0][5:])) if rows else None

    async def sessions_of(self, account_id: int, kind: SessionKind) -> Sequence[Session]:
        """The account's unexpired sessions of that kind, by id."""
        rows = await self._pool.look_up(
            f"SELECT {_SESSION} FROM session s WHERE s.account_id = %s AND s.kind = %s"  # noqa: S608
            " AND (s.expires_at IS NULL OR s.expires_at > %s) ORDER BY s.id",
            [account_id, kind, self._clock()],
        )
        return [Session(*row) for row in rows]

    async def delete_session(self, account_id: int, session_id: int) -> bool:
        """Delete a session; ``False`` if the account has no such session."""
        rows = await self._pool.run(
            "DELETE FROM session WHERE account_id = %s AND id = %s RETURNING id", [account_id, session_id]
        )
        return bool(rows)

    async def delete_expired_sessions(self) -> int:
        """Delete all expired sessions; returns how many there were."""
        ((count,),) = await self._pool.run(
            "WITH gone AS (DELETE FROM session WHERE expires_at <= %s RETURNING 1) SELECT count(*) FROM gone",
            [self._clock()],
        )
        return int(count)


async def _check_admission(transaction: Transaction, email: str, only_first: bool) -> None:
    if only_first and await transaction.run("SELECT 1 FROM account LIMIT 1"):
        raise RegistrationClosed("Registration is closed: an account exists already.")
    if await transaction.run("SELECT 1 FROM account WHERE lower(email) = lower(%s)", [email]):
        raise AlreadyExists("An account with this email address exists already.")


async def _create_destination(
    transaction: Transaction, account_id: int, host: str, port: int, time_zone: str, now: int
) -> Destination:
    ((destination_id,),) = await transaction.run(
        "INSERT INTO destination (host, port, time_zone, created_at) VALUES (%s, %s, %s, %s) RETURNING id",
        [host, port, time_zone, now],
    )
    await transaction.run(
        "INSERT INTO membership (account_id, destination_id, role) VALUES (%s, %s, 'owner')",
        [account_id, destination_id],
    )
    return Destination(destination_id, host, port, time_zone)


async def _free_port(transaction: Transaction, host: str, ports: range, is_taken: Callable[[int], bool]) -> int:
    taken = {
        row[0]
        for row in await transaction.run("SELECT port FROM destination WHERE %s IN (host, listener_host)", [host])
    }
    for port in ports:
        if port not in taken and not is_taken(port):
            return port
    raise NoPortLeft(f"Every port from {ports.start} to {ports.stop - 1} is taken.")
