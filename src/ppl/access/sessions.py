"""Which account sends a request: the session cookie of a browser, or the bearer token of a program.

Both carry a random secret (:mod:`ppl.access.secrets`). :func:`authenticate` turns the two request headers that may
carry one into an account; the viewer's WebSocket and the site both call it.
"""

from __future__ import annotations

import re

from ppl.access.secrets import is_secret, secret_hash
from ppl.model import Account
from ppl.store.interface import PeopleStore, Session, SessionKind

SESSION_COOKIE = "ppl_session"
"""Name of the session cookie over plain HTTP; over TLS browsers enforce more with ``__Host-`` before it."""

_HOST_PREFIX = "__Host-"
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]{43}) *", re.IGNORECASE | re.ASCII)
_MOST_CANDIDATES = 4


def cookie_name(name: str, secure: bool) -> str:
    """``name`` as it is set: over TLS with the prefix that keeps other hosts of the domain from setting it."""
    return _HOST_PREFIX + name if secure else name


def cookies(cookie_header: str | None, name: str) -> list[str]:
    """What the ``Cookie`` header carries under ``name``, each value once.

    Repeated headers may arrive joined by commas, and a cookie may come twice, set for different paths or domains: our
    values hold neither commas nor semicolons, so all of them can be told apart.
    """
    parts = (part.strip().partition("=") for part in re.split("[;,]", cookie_header or ""))
    return list(dict.fromkeys(value for key, _, value in parts if key == name))


def cookie_values(cookie_header: str | None, name: str) -> list[str]:
    """The secrets that the ``Cookie`` header carries under ``name``, the first few of them."""
    return list(filter(is_secret, cookies(cookie_header, name)))[:_MOST_CANDIDATES]


def bearer_secret(authorization_header: str | None) -> str | None:
    """The secret of ``Authorization: Bearer <secret>``; ``None`` for another scheme or none."""
    match = _BEARER.fullmatch(authorization_header or "")
    return match[1] if match else None


async def find_session(
    store: PeopleStore, candidates: list[str], kind: SessionKind
) -> tuple[str, Session, Account] | None:
    """The first of ``candidates`` that is the secret of an unexpired session of ``kind``."""
    for secret in candidates:
        found = await store.session(secret_hash(secret))
        if found is not None and found[0].kind == kind:
            return secret, *found
    return None


async def authenticate(
    store: PeopleStore, cookie_header: str | None, authorization_header: str | None
) -> Account | None:
    """Who sends these headers: a program with a bearer token, or a browser with its session cookie.

    A ``Bearer`` header that is not valid is refused even beside a valid cookie; other schemes belong to proxies.
    """
    if (authorization_header or "")[:7].lower() == "bearer ":
        secret = bearer_secret(authorization_header)
        found = await find_session(store, [secret], "token") if secret else None
    else:
        # A browser that holds the prefixed cookie got the other from elsewhere.
        names = (cookie_name(SESSION_COOKIE, True), SESSION_COOKIE)
        candidates = next(filter(None, (cookie_values(cookie_header, name) for name in names)), [])
        found = await find_session(store, candidates, "browser")
    return found[2] if found else None
