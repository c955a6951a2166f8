"""The one interface to storage. Everything else in Ppl sees PostgreSQL through it.

It is four protocols, of people, events, figures and archives, which :class:`Store` joins.

Every method may raise :class:`~ppl.errors.StoreUnavailable` (PostgreSQL is away: a clear refusal, never a hang) and
:class:`~ppl.errors.StatementTimeout`. ``async def`` methods are coroutines over Deferreds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

import attrs
from twisted.internet.defer import Deferred

from ppl.model import (
    Account,
    Archive,
    Bucket,
    Counted,
    Destination,
    Event,
    Events,
    Found,
    Page,
    Role,
    SendersSeen,
    Stored,
    Transport,
)
from ppl.search.query import Query

SessionKind = Literal["browser", "token"]

#: What a search is for: its events, or only how many there are. An account may have so many for each.
Purpose = Literal["find", "count"]


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


@attrs.frozen
class DrainToken:
    """A token by which lines come over HTTPS; the secret itself is never stored.

    Attributes:
        id: the store's key, to name it when deleting.
        destination_id: whose lines they are.
        label: what the owner called it.
        created_at: µs.
    """

    id: int
    destination_id: int
    label: str
    created_at: int


@attrs.frozen
class SenderToken:
    """A token that lines of a destination may carry; the secret itself is never stored.

    Attributes:
        id: the store's key.
        destination_id: whose lines.
        created_at: µs.
    """

    id: int
    destination_id: int
    created_at: int


@attrs.frozen
class Received:
    """What came to a destination in an hour.

    Attributes:
        destination_id: whose.
        hour: hours since 1970.
        lines, bytes: that were taken; bytes as received.
        dropped: lines that were dropped.
    """

    destination_id: int
    hour: int
    lines: int
    bytes: int
    dropped: int


@attrs.frozen
class SavedSearch:
    """A query under a name, shared by all who may read the destination.

    Attributes:
        id: the store's key.
        destination_id: whose events it searches.
        name: unique in its destination, whatever the case.
        query: in the language of ``docs/search.rst``, as it was typed.
        saved_by: email address, ``""`` when that account is gone.
        created_at: µs.
    """

    id: int
    destination_id: int
    name: str
    query: str
    saved_by: str
    created_at: int


@attrs.frozen
class Mark:
    """An event that somebody marked, with a note, shared by all who may read the destination.

    Attributes:
        id: the store's key.
        destination_id: whose event.
        event_id: which; the event itself may be gone.
        note: what was written to it, ``""`` for nothing.
        marked_by: email address of who wrote the note, ``""`` when that account is gone.
        created_at: µs when the note was written.
    """

    id: int
    destination_id: int
    event_id: int
    note: str
    marked_by: str
    created_at: int


class Search(Protocol):
    """A walk that :meth:`EventStore.search` began.

    Attributes:
        is_complete: whether it is at its end.
    """

    is_complete: bool

    @property
    def left(self) -> int | None:
        """Events that are still to be looked at, about; ``None`` where that is not known yet."""

    async def step(self, limit: int, most_bytes: int = ...) -> Found:
        """Go on a little, giving at most ``limit`` events; the one whose texts exceed ``most_bytes`` is the last."""

    async def count(self, width: int) -> Counted:
        """Go on as a step does and only count what matches, in buckets that begin at multiples of ``width`` µs."""

    def close(self) -> None:
        """It is over, or not wanted any more; may repeat. A step under way raises ``StoreUnavailable``."""


class PeopleStore(Protocol):
    """Accounts and what belongs to them: destinations, sessions, tokens, saved searches and marks."""

    async def count_accounts(self) -> int:
        """How many accounts exist."""

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
        """Create an account with its destination ``host:port``, in one transaction.

        The port is the lowest of ``ports`` that no destination has and that is not taken by something else.

        With ``only_first`` it raises :class:`~ppl.errors.RegistrationClosed` when an account exists. Raises
        :class:`~ppl.errors.AlreadyExists` for a known email and :class:`~ppl.errors.NoPortLeft`.
        """

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The account of ``email`` (case-insensitive) and its password hash."""

    async def set_password_hash(self, account_id: int, password_hash: str) -> None:
        """Replace the hash (rehash with newer parameters)."""

    async def set_time_zone(self, account_id: int, time_zone: str) -> None:
        """Change the account's zone, and that of the destinations it owns."""

    async def set_transport(self, account_id: int, destination_id: int, transport: Transport) -> bool:
        """Change what the port of a destination takes; ``False`` if the account does not own it."""

    async def set_retention(self, account_id: int, destination_id: int, days: int | None) -> bool:
        """Change for how long a destination's events are kept; ``False`` if the account does not own it."""

    async def set_networks(self, account_id: int, destination_id: int, networks: Sequence[str]) -> bool:
        """Change which networks may send to a destination, none: any; ``False`` if the account does not own it."""

    async def set_client_certificates(self, account_id: int, destination_id: int, pem: str) -> bool:
        """Change which certificates vouch for senders, ``""``: they need none.

        ``False`` if the account does not own the destination.
        """

    async def set_quota(
        self, account_id: int, destination_id: int, lines_per_second: int | None, bytes_per_day: int | None
    ) -> bool:
        """Change the owner's quota of a destination, ``None``: none; ``False`` if the account does not own it."""

    async def create_destination(
        self,
        account_id: int,
        host: str,
        ports: range,
        most: int,
        is_taken: Callable[[int], bool] = lambda port: False,
    ) -> Destination:
        """Give the account one more destination ``host:port``, which it owns, in its time zone.

        The port is chosen as by :meth:`register`. Raises :class:`~ppl.errors.TooManyDestinations` where the account
        owns ``most`` that are open, and :class:`~ppl.errors.NoPortLeft`.
        """

    async def close_destination(self, account_id: int, destination_id: int) -> bool:
        """Have a destination receive nothing any more; its history stays until its retention ends, and then it goes.

        ``False`` if the account does not own it.
        """

    async def destinations(self) -> Sequence[Destination]:
        """All that listeners must serve, by id."""

    async def destinations_of(self, account_id: int) -> Sequence[tuple[Destination, Role]]:
        """What the account may read, by id, closed ones too."""

    async def destination(self, host: str, port: int) -> Destination | None:
        """The destination of that address, unless it is closed."""

    async def move_destinations(self, former_host: str, host: str) -> tuple[Sequence[str], Sequence[str]]:
        """Have the listener of ``host`` serve what that of ``former_host`` served.

        Gives the ``host:port`` of those that are called after ``host`` now, and of those that keep their name, because
        it is pinned or ``host`` has a destination of that port.
        """

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

    async def create_drain(
        self, account_id: int, destination_id: int, secret_hash: bytes, label: str, most: int
    ) -> DrainToken | None:
        """Remember a token by the SHA-256 of its random secret; ``None`` if the account does not own the destination.

        Raises :class:`~ppl.errors.TooManyDrains` when the destination has ``most`` already.
        """

    async def drains_of(self, account_id: int) -> Sequence[DrainToken]:
        """The tokens of the destinations that the account owns, by id."""

    async def delete_drain(self, account_id: int, drain_id: int) -> bool:
        """Revoke one; ``False`` if the account owns no destination with such a token."""

    async def drained(self, secret_hash: bytes) -> Destination | None:
        """The destination that the token of that hash leads to."""

    async def create_sender_token(
        self, account_id: int, destination_id: int, secret_hash: bytes, most: int
    ) -> SenderToken | None:
        """Remember a token by the SHA-256 of its random secret; ``None`` if the account does not own the destination.

        Raises :class:`~ppl.errors.TooManySenderTokens` when the destination has ``most`` already.
        """

    async def sender_tokens_of(self, account_id: int) -> Sequence[SenderToken]:
        """The tokens of the destinations that the account owns, by id."""

    async def delete_sender_token(self, account_id: int, destination_id: int, token_id: int) -> bool:
        """Revoke one; ``False`` if the account owns no such destination, or that has no such token."""

    async def save_search(
        self, account_id: int, destination_id: int, name: str, query: str, most: int
    ) -> SavedSearch | None:
        """Save ``query``, which the parser has taken; ``None`` if the account may not read the destination.

        Raises:
            AlreadyExists: the destination has one of that name.
            TooManySaved: it has ``most``.
        """

    async def saved_searches(self, account_id: int) -> Sequence[SavedSearch]:
        """Those of all destinations that the account may read, by destination and name."""

    async def change_saved(self, account_id: int, saved_id: int, name: str, query: str | None) -> SavedSearch | None:
        """Give one another name and, unless it is ``None``, another query, which is then this account's.

        ``None`` if the account may read no destination with it.

        Raises:
            AlreadyExists: its destination has another of that name.
        """

    async def delete_saved(self, account_id: int, saved_id: int) -> bool:
        """Forget one; ``False`` if the account may read no destination with it."""

    async def mark(self, account_id: int, destination_id: int, event_id: int, note: str, most: int) -> Mark | None:
        """Mark an event, or change its note; ``None`` if the account may not read the destination.

        Raises :class:`~ppl.errors.TooManyMarks` when the destination has ``most`` others.
        """

    async def marks(self, account_id: int) -> Sequence[Mark]:
        """Those of all destinations that the account may read, by destination, the newest event first."""

    async def mark_of(self, destination_id: int, event_id: int) -> Mark | None:
        """The mark of an event."""

    async def change_mark(self, account_id: int, mark_id: int, note: str) -> Mark | None:
        """Give one another note; ``None`` if the account may read no destination with it."""

    async def unmark(self, account_id: int, mark_id: int) -> Mark | None:
        """Forget one, and give what it was; ``None`` if the account may read no destination with it."""


class EventStore(Protocol):
    """Events: stored, paged and searched."""

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        """Commit all of ``batch`` or nothing; when it returns they are durable.

        With ``after`` the rows are sent at once but committed only when it has fired: the next batch is worked on
        while the one before it commits, and still they become visible in order. Any failure then means "not stored".

        Calling again with the same batch after a failure never doubles: a batch already committed is recognised.
        """

    async def last_ids(self) -> Mapping[int, int]:
        """Destination id → its highest stored event id, for those that have any."""

    async def newest(self, destination_id: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events; ``complete`` if nothing older matches.

        Every page has fewer where their texts are long: about a megabyte of them.
        """

    async def older(self, destination_id: int, before: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events with ``id < before``; ``complete`` if nothing older matches."""

    async def newer(
        self, destination_id: int, after: int, limit: int, sender_ip: str | None = None, before: int | None = None
    ) -> Page:
        """The oldest ``limit`` events with ``after < id`` (and ``id < before``); ``complete`` if none newer."""

    async def event(self, destination_id: int, event_id: int) -> Event | None:
        """The event of that id."""

    def search(
        self,
        account_id: int,
        destination_id: int,
        query: Query,
        *,
        before: int | None = None,
        after: int | None = None,
        sender_ip: str | None = None,
        newest_first: bool = True,
        purpose: Purpose = "find",
    ) -> Search:
        """Begin a search over ``after < id < before``; whoever began it closes it.

        Raises:
            TooManySearches: the account has as many for that purpose as it may.
        """

    async def excerpts(self, destination_id: int, event_ids: Sequence[int], longest: int) -> Mapping[int, Event]:
        """Id → event of those that are still kept, with at most ``longest`` characters of their messages.

        Structured data is left out.
        """


class FigureStore(Protocol):
    """Counts: what was received, what is stored, and who sends it."""

    async def count_received(self, counts: Sequence[Received]) -> None:
        """Add ``counts`` (of different destinations or hours) to what is known."""

    async def forget_received(self, before: int) -> None:
        """Forget what came before the hour ``before`` (since 1970)."""

    async def bytes_taken(self, since: int) -> Mapping[int, int]:
        """Destination id → bytes that were taken from the hour ``since`` (since 1970) on."""

    async def received_since(self, destination_id: int, since: int) -> Sequence[Received]:
        """What came to a destination from the hour ``since`` on."""

    async def histogram(self, destination_id: int, first: int, last: int, minutes: int) -> Sequence[Bucket]:
        """Events received from ``first`` to ``last`` (µs, whole minutes) in buckets of ``minutes``, by severity."""

    async def senders(self, destination_id: int, now: int) -> SendersSeen:
        """Who sends to a destination, their hours up to ``now`` (µs); counted in the background."""

    async def stored_since(self, destination_id: int, since: int) -> Sequence[Stored]:
        """What was received from ``since`` (µs, a whole quarter of an hour) on and is kept, by quarters of an hour."""

    async def stored_in_all(self, destination_id: int) -> Stored | None:
        """What is kept of a destination, from its oldest event on; ``None``: nothing."""


class ArchiveStore(Protocol):
    """Days that are archived."""

    async def archives(self, destination_id: int) -> Sequence[Archive]:
        """The archived days of a destination, newest first."""


class Store(PeopleStore, EventStore, FigureStore, ArchiveStore, Protocol):
    """All of storage; implemented by :class:`ppl.store.postgres.PostgresStore`.

    A part of Ppl asks for the narrowest of the four that it needs.
    """
