"""The one interface to storage. Everything else in Ppl sees PostgreSQL through it.

Every method may raise :class:`~ppl.errors.StoreUnavailable` (PostgreSQL is away: a clear refusal, never a hang) and
:class:`~ppl.errors.StatementTimeout`. ``async def`` methods are coroutines over Deferreds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import attrs
from twisted.internet.defer import Deferred

from ppl.model import Account, Destination, Events, Page, Role

SessionKind = Literal["browser", "token"]


@attrs.frozen
class Session:
    """A logged-in browser or a program's bearer token; the secret itself is never stored.

    Attributes:
        id: the store's key, to name it when deleting.
        kind: ``browser`` (cookie) or ``token`` (bearer token of the settings page).
        label: what the owner called the token, ``""`` for browsers.
        created_at, expires_at: µs; ``expires_at`` is ``None`` for tokens without an end.
    """

    id: int
    kind: SessionKind
    label: str
    created_at: int
    expires_at: int | None


class Store(Protocol):
    """Accounts, destinations and events; implemented by :class:`ppl.store.postgres.PostgresStore`."""

    # Accounts and destinations

    async def count_accounts(self) -> int:
        """How many accounts exist."""

    async def register(
        self, email: str, password_hash: str, time_zone: str, host: str, ports: range, *, only_first: bool
    ) -> tuple[Account, Destination]:
        """Create an account with its destination ``host:port`` (lowest free port of ``ports``), in one transaction.

        With ``only_first`` it raises :class:`~ppl.errors.RegistrationClosed` when an account exists. Raises
        :class:`~ppl.errors.AlreadyExists` for a known email and :class:`~ppl.errors.NoPortLeft`.
        """

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The account of ``email`` (case-insensitive) and its password hash."""

    async def set_password_hash(self, account_id: int, password_hash: str) -> None:
        """Replace the hash (rehash with newer parameters)."""

    async def set_time_zone(self, account_id: int, time_zone: str) -> None:
        """Change the account's zone, and that of the destinations it owns."""

    async def destinations(self) -> Sequence[Destination]:
        """All that listeners must serve, by id."""

    async def destinations_of(self, account_id: int) -> Sequence[tuple[Destination, Role]]:
        """What the account may read, by id."""

    async def destination(self, host: str, port: int) -> Destination | None:
        """The destination of that address."""

    # Sessions

    async def create_session(
        self, account_id: int, secret_hash: bytes, kind: SessionKind, label: str, expires_at: int | None
    ) -> Session:
        """Remember a session by the SHA-256 of its random secret."""

    async def session(self, secret_hash: bytes) -> tuple[Session, Account] | None:
        """The session of that hash, unless expired."""

    async def sessions_of(self, account_id: int, kind: SessionKind) -> Sequence[Session]:
        """The account's unexpired sessions of that kind, by id."""

    async def delete_session(self, account_id: int, session_id: int) -> bool:
        """Forget one; ``False`` if the account has no such session."""

    async def delete_expired_sessions(self) -> int:
        """Forget all that have expired; how many."""

    # Events

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        """Commit all of ``batch`` or nothing; when it returns they are durable.

        With ``after`` the rows are sent at once but committed only when it has fired: the next batch is worked on
        while the one before it commits, and still they become visible in order. Any failure then means "not stored".

        Calling again with the same batch after a failure never doubles: a batch already committed is recognised.
        """

    async def last_ids(self) -> Mapping[int, int]:
        """Destination id → its highest stored event id, for those that have any."""

    async def newest(self, destination_id: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events; ``complete`` if nothing older matches."""

    async def older(self, destination_id: int, before: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events with ``id < before``; ``complete`` if nothing older matches."""

    async def newer(
        self, destination_id: int, after: int, limit: int, sender_ip: str | None = None, before: int | None = None
    ) -> Page:
        """The oldest ``limit`` events with ``after < id`` (and ``id < before``); ``complete`` if none newer."""
