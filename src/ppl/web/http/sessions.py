"""Browser sessions: the cookie, the login behind it, and the tokens that tie forms to a browser."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ppl.access.secrets import csrf_token, csrf_token_matches, new_secret, secret_hash
from ppl.access.sessions import SESSION_COOKIE, authenticate, cookie_name, cookie_values, find_session
from ppl.model import SECOND, Account, Clock
from ppl.store.interface import PeopleStore
from ppl.web.http.answers import Cookie, NotLoggedIn
from ppl.web.http.visit import Visit

LIFETIME = 30 * 24 * 3600
"""Seconds after which a browser has to log in again."""

STRANGER_COOKIE = "ppl_form"
"""Cookie of a browser before login: a random secret from which the tokens of its forms are made (double submit)."""


@attrs.frozen
class Login:
    """The login of a browser: its account, its session, and the session cookie's secret."""

    account: Account
    session_id: int
    secret: str = attrs.field(repr=False)

    @property
    def csrf_token(self) -> str:
        """The hidden token of the forms that this browser is shown."""
        return csrf_token(self.secret)


#: Called with the id of an account when one of its sessions has ended, so that its open WebSockets can be closed.
SessionEnded = Callable[[int], None]


class Sessions:
    """Opens, finds and closes the sessions of browsers.

    Args:
        store: keeps the sessions.
        clock: gives µs; sets when a session expires.
        session_ended: called with the account's id when one of its sessions has ended.
        most: the most browser sessions of one account.
    """

    def __init__(self, store: PeopleStore, clock: Clock, session_ended: SessionEnded, most: int) -> None:
        self._store, self._most = store, most
        self._clock = clock
        self._session_ended = session_ended

    async def find(self, visit: Visit) -> Login | None:
        """The login of the browser that sent ``visit``, ``None`` if it is not logged in."""
        name = cookie_name(SESSION_COOKIE, visit.secure)
        found = await find_session(self._store, cookie_values(visit.header("cookie"), name), "browser")
        if found is None:
            return None
        visit.recognised()
        secret, session, account = found
        return Login(account, session.id, secret)

    async def account(self, visit: Visit, login: Login | None) -> Account:
        """The account behind a request, by the browser's cookie or a bearer token; ``login`` is from :meth:`find`.

        Raises:
            NotLoggedIn: the request has no valid session or token.
        """
        authorization = visit.header("authorization")
        account = login.account if login else None
        if authorization is not None:
            account = await authenticate(self._store, visit.header("cookie"), authorization)
            if account is not None:
                visit.recognised()
        if account is None:
            raise NotLoggedIn
        return account

    async def open(self, visit: Visit, account: Account) -> tuple[Login, tuple[Cookie, ...]]:
        """Log ``account`` in, always with a new secret, so that a secret from before the login stays worthless."""
        await self._end_the_oldest(account)
        secret = new_secret()
        expires_at = self._clock() + LIFETIME * SECOND
        session = await self._store.create_session(account.id, secret_hash(secret), "browser", "", expires_at)
        cookies = (
            Cookie(cookie_name(SESSION_COOKIE, visit.secure), secret, visit.secure, LIFETIME),
            _deleted(STRANGER_COOKIE, visit),
        )
        return Login(account, session.id, secret), cookies

    async def _end_the_oldest(self, account: Account) -> None:
        held = await self._store.sessions_of(account.id, "browser")
        for session in held[: max(0, len(held) + 1 - self._most)]:
            await self._store.delete_session(account.id, session.id)
        if len(held) >= self._most:
            self._session_ended(account.id)

    async def close(self, visit: Visit, login: Login) -> Cookie:
        """Delete the session; the returned cookie makes the browser forget it too."""
        await self._store.delete_session(login.account.id, login.session_id)
        self._session_ended(login.account.id)
        return _deleted(SESSION_COOKIE, visit)


def stranger_form(visit: Visit) -> tuple[str, Cookie | None]:
    """The token for a form shown before login, and the cookie to set if the browser has none yet."""
    held = _stranger_secrets(visit)
    if held:
        return csrf_token(held[0]), None
    secret = new_secret()
    return csrf_token(secret), Cookie(cookie_name(STRANGER_COOKIE, visit.secure), secret, visit.secure)


def is_own_form(visit: Visit, login: Login | None, token: str) -> bool:
    """Whether ``token`` was given to this browser; once it is logged in, only the session's own token counts."""
    secrets = [login.secret] if login else _stranger_secrets(visit)
    return any(csrf_token_matches(secret, token) for secret in secrets)


def _stranger_secrets(visit: Visit) -> list[str]:
    return cookie_values(visit.header("cookie"), cookie_name(STRANGER_COOKIE, visit.secure))


def _deleted(name: str, visit: Visit) -> Cookie:
    return Cookie(cookie_name(name, visit.secure), "", visit.secure, 0)
