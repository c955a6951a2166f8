"""The one interface to storage: everything else in Ppl sees PostgreSQL through it.

It has four protocols, for people, events, figures and archives, which :class:`Store` joins.

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
    UploadKeys,
    ValuesCounted,
)
from ppl.search.query import Query

SessionKind = Literal["browser", "token"]

#: The purpose of a search: to find events, or only to count them. The limit of an account's searches holds for each.
Purpose = Literal["find", "count"]

MOST_VALUES = 5_000
"""The most different values of a field that one step of a search gives."""


@attrs.frozen
class Session:
    """A logged-in browser or a program's bearer token; the secret itself is never stored.

    Attributes:
        id: the store's key, which names the session when it is deleted.
        kind: ``browser`` (cookie) or ``token`` (bearer token of the settings page).
        label: what the owner called the token, ``""`` for browsers.
        created_at, expires_at: µs; ``expires_at`` is ``None`` for tokens that do not expire.
    """

    id: int
    kind: SessionKind
    label: str
    created_at: int
    expires_at: int | None


@attrs.frozen
class DrainToken:
    """A token for sending lines over HTTPS; the secret itself is never stored.

    Attributes:
        id: the store's key, which names the token when it is deleted.
        destination_id: the destination that receives the lines.
        label: what the owner called the token.
        created_at: µs.
    """

    id: int
    destination_id: int
    label: str
    created_at: int


@attrs.frozen
class SenderToken:
    """A token that lines for a destination may carry; the secret itself is never stored.

    Attributes:
        id: the store's key.
        destination_id: the destination that receives the lines.
        created_at: µs.
    """

    id: int
    destination_id: int
    created_at: int


@attrs.frozen
class Received:
    """How much a destination received in an hour.

    Attributes:
        destination_id: the destination.
        hour: hours since 1970.
        lines, bytes: how many were accepted; bytes as received.
        dropped: number of lines that were dropped.
    """

    destination_id: int
    hour: int
    lines: int
    bytes: int
    dropped: int


@attrs.frozen
class SavedSearch:
    """A query under a name, shared by all accounts that may read the destination.

    Attributes:
        id: the store's key.
        destination_id: the destination whose events it searches.
        name: unique in its destination, ignoring case.
        query: in the language of ``docs/search.rst``, as it was typed.
        saved_by: email address of the account that saved the query, ``""`` if that account is gone.
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
    """An event that somebody marked, with a note, shared by all accounts that may read the destination.

    Attributes:
        id: the store's key.
        destination_id: the destination of the event.
        event_id: the event's id; the event itself may be gone.
        note: text of the note, ``""`` if there is none.
        marked_by: email address of the account that wrote the note, ``""`` if that account is gone.
        created_at: µs when the note was written.
    """

    id: int
    destination_id: int
    event_id: int
    note: str
    marked_by: str
    created_at: int


class Search(Protocol):
    """A search that :meth:`EventStore.search` began.

    Attributes:
        is_complete: whether the search is at its end.
    """

    is_complete: bool

    @property
    def left(self) -> int | None:
        """About how many events are still to be searched; ``None`` if that is not known yet."""

    async def step(self, limit: int, most_bytes: int = ...) -> Found:
        """Search a little further; gives at most ``limit`` events, with about ``most_bytes`` of texts."""

    async def count(self, width: int) -> Counted:
        """Search as far as a step does, but only count matches, in buckets that begin at multiples of ``width`` µs."""

    async def top_values(self, name: str) -> ValuesCounted:
        """Search about as far as a step does, but only count the values of the field ``name`` in what matches."""

    def close(self) -> None:
        """End the search; may be called again. A step under way raises ``StoreUnavailable``."""


class PeopleStore(Protocol):
    """Accounts and what belongs to them: destinations, sessions, tokens, saved searches, marks and columns."""

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

        With ``only_first`` it raises :class:`~ppl.errors.RegistrationClosed` if an account exists. It raises
        :class:`~ppl.errors.AlreadyExists` for a known email and :class:`~ppl.errors.NoPortLeft`.
        """

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The account of ``email`` (case-insensitive) and its password hash."""

    async def set_password_hash(self, account_id: int, password_hash: str) -> None:
        """Replace the hash (rehash with newer parameters)."""

    async def set_time_zone(self, account_id: int, time_zone: str) -> None:
        """Change the account's zone, and that of the destinations it owns."""

    async def set_transport(self, account_id: int, destination_id: int, transport: Transport) -> bool:
        """Change what the port of a destination accepts; ``False`` if the account does not own it."""

    async def set_retention(self, account_id: int, destination_id: int, days: int | None) -> bool:
        """Change for how long a destination's events are kept; ``False`` if the account does not own it."""

    async def set_networks(self, account_id: int, destination_id: int, networks: Sequence[str]) -> bool:
        """Change which networks may send to a destination (none: any may); ``False`` if the account does not own it."""

    async def set_client_certificates(self, account_id: int, destination_id: int, pem: str) -> bool:
        """Change which certificates a sender's certificate must be or be signed by; ``""``: senders need none.

        ``False`` if the account does not own the destination.
        """

    async def set_quota(
        self, account_id: int, destination_id: int, lines_per_second: int | None, bytes_per_day: int | None
    ) -> bool:
        """Change the owner's quota of a destination (``None``: no quota); ``False`` if the account does not own it."""

    async def create_destination(
        self,
        account_id: int,
        host: str,
        ports: range,
        most: int,
        is_taken: Callable[[int], bool] = lambda port: False,
    ) -> Destination:
        """Give the account one more destination ``host:port``, which it owns, in its time zone.

        The port is chosen as by :meth:`register`. Raises :class:`~ppl.errors.TooManyDestinations` if the account owns
        ``most`` open ones, and :class:`~ppl.errors.NoPortLeft`.
        """

    async def close_destination(self, account_id: int, destination_id: int) -> bool:
        """Stop a destination from receiving; its history stays until its retention ends, and then it is deleted.

        ``False`` if the account does not own it.
        """

    async def destinations(self) -> Sequence[Destination]:
        """All destinations that listeners must serve, by id."""

    async def destinations_of(self, account_id: int) -> Sequence[tuple[Destination, Role]]:
        """The destinations that the account may read, by id, including closed ones."""

    async def destination(self, host: str, port: int) -> Destination | None:
        """The destination with that address, unless it is closed."""

    async def move_destinations(self, former_host: str, host: str) -> tuple[Sequence[str], Sequence[str]]:
        """Have the listener of ``host`` serve the destinations that the listener of ``former_host`` served.

        Gives the ``host:port`` of destinations that were renamed to ``host``, and of those that keep their name because
        it is pinned or ``host`` has a destination with that port.
        """

    async def create_session(
        self, account_id: int, secret_hash: bytes, kind: SessionKind, label: str, expires_at: int | None
    ) -> Session:
        """Remember a session by the SHA-256 of its random secret."""

    async def session(self, secret_hash: bytes) -> tuple[Session, Account] | None:
        """The session with that hash and its account, unless the session has expired."""

    async def sessions_of(self, account_id: int, kind: SessionKind) -> Sequence[Session]:
        """The account's unexpired sessions of that kind, by id."""

    async def delete_session(self, account_id: int, session_id: int) -> bool:
        """Delete a session; ``False`` if the account has no such session."""

    async def delete_expired_sessions(self) -> int:
        """Delete all expired sessions; gives how many there were."""

    async def create_drain(
        self, account_id: int, destination_id: int, secret_hash: bytes, label: str, most: int
    ) -> DrainToken | None:
        """Remember a token by the SHA-256 of its random secret; ``None`` if the account does not own the destination.

        Raises :class:`~ppl.errors.TooManyDrains` if the destination has ``most`` already.
        """

    async def drains_of(self, account_id: int) -> Sequence[DrainToken]:
        """The drain tokens of the destinations that the account owns, by id."""

    async def delete_drain(self, account_id: int, drain_id: int) -> bool:
        """Revoke a token; ``False`` if the account owns no destination with such a token."""

    async def drained(self, secret_hash: bytes) -> Destination | None:
        """The destination of the drain token with that hash, unless the destination is closed."""

    async def create_sender_token(
        self, account_id: int, destination_id: int, secret_hash: bytes, most: int
    ) -> SenderToken | None:
        """Remember a token by the SHA-256 of its random secret; ``None`` if the account does not own the destination.

        Raises :class:`~ppl.errors.TooManySenderTokens` if the destination has ``most`` already.
        """

    async def sender_tokens_of(self, account_id: int) -> Sequence[SenderToken]:
        """The sender tokens of the destinations that the account owns, by id."""

    async def delete_sender_token(self, account_id: int, destination_id: int, token_id: int) -> bool:
        """Revoke a token; ``False`` if the account owns no such destination, or the destination has no such token."""

    async def save_search(
        self, account_id: int, destination_id: int, name: str, query: str, most: int
    ) -> SavedSearch | None:
        """Save ``query``, which the parser has accepted; ``None`` if the account may not read the destination.

        Raises:
            AlreadyExists: the destination has a saved search with that name.
            TooManySaved: the destination has ``most`` saved searches.
        """

    async def saved_searches(self, account_id: int) -> Sequence[SavedSearch]:
        """The saved searches of all destinations that the account may read, by destination and name."""

    async def change_saved(self, account_id: int, saved_id: int, name: str, query: str | None) -> SavedSearch | None:
        """Rename a saved search; unless ``query`` is ``None``, replace its query, which is then saved by this account.

        ``None`` if the account may read no destination with that saved search.

        Raises:
            AlreadyExists: the destination has another saved search with that name.
        """

    async def delete_saved(self, account_id: int, saved_id: int) -> bool:
        """Delete a saved search; ``False`` if the account may read no destination with it."""

    async def columns_of(self, account_id: int) -> Mapping[int, tuple[str, ...]]:
        """Destination id → the fields that the account shows as columns, for destinations where it shows any."""

    async def set_columns(self, account_id: int, destination_id: int, names: Sequence[str]) -> bool:
        """Change which fields the account shows as columns; ``False`` if it may not read the destination."""

    async def mark(self, account_id: int, destination_id: int, event_id: int, note: str, most: int) -> Mark | None:
        """Mark an event, or change its note; ``None`` if the account may not read the destination.

        Raises :class:`~ppl.errors.TooManyMarks` if the destination has ``most`` other marks.
        """

    async def marks(self, account_id: int) -> Sequence[Mark]:
        """The marks of all destinations that the account may read, by destination, the newest event first."""

    async def mark_of(self, destination_id: int, event_id: int) -> Mark | None:
        """The mark of an event, ``None`` if it has none."""

    async def change_mark(self, account_id: int, mark_id: int, note: str) -> Mark | None:
        """Replace the note of a mark; ``None`` if the account may read no destination with that mark."""

    async def unmark(self, account_id: int, mark_id: int) -> Mark | None:
        """Delete a mark and give it; ``None`` if the account may read no destination with that mark."""


class EventStore(Protocol):
    """Events: storing, paging and searching them."""

    async def append(self, batch: Sequence[Events], after: Deferred[None] | None = None) -> None:
        """Commit all of ``batch`` or nothing; once this returns, the events are durable.

        With ``after`` the rows are sent at once but committed only when ``after`` has fired: a batch is worked on while
        the previous one commits, and both become visible in order. Any failure then means "not stored".

        Calling again with the same batch after a failure stores nothing twice: a committed batch is recognised.
        """

    async def upload_keys(self, destination_id: int, kind: str) -> UploadKeys:
        """The keys of a kind that were stored last with a destination's events, the oldest first; bounded."""

    async def last_ids(self) -> Mapping[int, int]:
        """Destination id → its highest stored event id, for destinations that have events."""

    async def newest(self, destination_id: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events; ``complete`` if nothing older matches.

        Every page ends early where texts are long: after about a megabyte of them.
        """

    async def older(self, destination_id: int, before: int, limit: int, sender_ip: str | None = None) -> Page:
        """The newest ``limit`` events with ``id < before``; ``complete`` if nothing older matches."""

    async def newer(
        self, destination_id: int, after: int, limit: int, sender_ip: str | None = None, before: int | None = None
    ) -> Page:
        """The oldest ``limit`` events with ``after < id`` (and ``id < before``); ``complete`` if there are no more."""

    async def event(self, destination_id: int, event_id: int) -> Event | None:
        """The event with that id, ``None`` if it is not stored."""

    async def events_with(self, destination_id: int, event_ids: Sequence[int]) -> Page:
        """Those of the events with these ids that are stored; the oldest are left out where texts are long.

        The page is ``complete`` unless some were left out.
        """

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
        """Begin a search over ``after < id < before``; the caller closes it.

        Raises:
            TooManySearches: the account has as many searches for that purpose as it may.
        """

    async def excerpts(self, destination_id: int, event_ids: Sequence[int], longest: int) -> Mapping[int, Event]:
        """Id → event, for events that are still stored; messages have at most ``longest`` characters.

        Structured data is left out, except where there is no message: then as many characters of it.
        """


class FigureStore(Protocol):
    """Counts: how much was received, how much is stored, and by which senders."""

    async def count_received(self, counts: Sequence[Received]) -> None:
        """Add ``counts`` (of different destinations or hours) to those stored."""

    async def forget_received(self, before: int) -> None:
        """Delete the counts of hours before the hour ``before`` (since 1970)."""

    async def bytes_taken(self, since: int) -> Mapping[int, int]:
        """Destination id → bytes that were accepted from the hour ``since`` (since 1970) on."""

    async def received_since(self, destination_id: int, since: int) -> Sequence[Received]:
        """How much a destination received from the hour ``since`` on, by hours."""

    async def histogram(self, destination_id: int, first: int, last: int, minutes: int) -> Sequence[Bucket]:
        """Events received from ``first`` to ``last`` (µs, whole minutes) in buckets of ``minutes``, by severity."""

    async def senders(self, destination_id: int, now: int) -> SendersSeen:
        """The senders of a destination, with their hours up to ``now`` (µs); counted in the background."""

    async def stored_since(self, destination_id: int, since: int) -> Sequence[Stored]:
        """How much is stored from the time ``since`` (µs, a whole quarter of an hour) on, by quarters of an hour."""

    async def stored_in_all(self, destination_id: int) -> Stored | None:
        """How much is stored of a destination, from its oldest event on; ``None`` if it has no events."""


class ArchiveStore(Protocol):
    """Archived days."""

    async def archives(self, destination_id: int) -> Sequence[Archive]:
        """The archived days of a destination, newest first."""


class Store(PeopleStore, EventStore, FigureStore, ArchiveStore, Protocol):
    """All of storage; implemented by :class:`ppl.store.postgres.PostgresStore`.

    Each part of Ppl takes the narrowest of the four protocols that it needs.
    """
