"""Authentication: finds the account behind a request by a browser's session cookie or a program's bearer token.

Both carry a random secret (:mod:`ppl.access.secrets`). :func:`authenticate` turns the two request headers that may
carry one into an account; the viewer's WebSocket and the site both call it.
"""

from __future__ import annotations

import re

from ppl.access.secrets import is_secret, secret_hash
from ppl.model import Account
from ppl.store.interface import PeopleStore, Session, SessionKind

SESSION_COOKIE = "ppl_session"
"""Name of the session cookie over plain HTTP; over TLS it begins with ``__Host-``, for which browsers enforce more."""

_HOST_PREFIX = "__Host-"
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]{43}) *", re.IGNORECASE | re.ASCII)
_MOST_CANDIDATES = 4


def cookie_name(name: str, secure: bool) -> str:
    """The name under which a cookie is set: over TLS its prefix keeps other hosts of the domain from setting it."""
    return _HOST_PREFIX + name if secure else name


def cookies(cookie_header: str | None, name: str) -> list[str]:
    """The values that the ``Cookie`` header carries under ``name``, each once.

    Repeated headers may arrive joined by commas, and a cookie may come twice, set for different paths or domains. Ppl's
    own values contain neither commas nor semicolons, so splitting at both finds all of them.
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
    """The first of ``candidates`` that is the secret of an unexpired session of ``kind``, with session and account."""
    for secret in candidates:
        found = await store.session(secret_hash(secret))
        if found is not None and found[0].kind == kind:
            return secret, *found
    return None


async def authenticate(
    store: PeopleStore, cookie_header: str | None, authorization_header: str | None
) -> Account | None:
    """The account that sends these headers, by bearer token or session cookie; ``None`` without a valid one.

    An invalid ``Bearer`` header is refused even beside a valid cookie; other schemes are meant for proxies and ignored.
    """
    if (authorization_header or "")[:7].lower() == "bearer ":
        secret = bearer_secret(authorization_header)
        found = await find_session(store, [secret], "token") if secret else None
    else:
        # A browser that holds the prefixed cookie was given the unprefixed one by some other host.
        names = (cookie_name(SESSION_COOKIE, True), SESSION_COOKIE)
        candidates = next(filter(None, (cookie_values(cookie_header, name) for name in names)), [])
        found = await find_session(store, candidates, "browser")
    return found[2] if found else None
