"""Passwords, random secrets and the tokens of forms: what proves who somebody is, without HTTP.

Passwords are kept as Argon2id hashes, made in threads (:class:`Passwords`). Sessions of browsers and bearer tokens of
programs are random secrets of which the store knows only the SHA-256 (:func:`secret_hash`). :func:`authenticate`
turns the two request headers that may carry one into an account; the viewer's WebSocket and the site both call it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import string
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from ppl.errors import PplError
from ppl.model import Account
from ppl.store.interface import Session, SessionKind, Store

SESSION_COOKIE = "ppl_session"
"""Name of the session cookie over plain HTTP; over TLS browsers enforce more with ``__Host-`` before it."""

#: The form of a sender's token, as a regular expression.
SENDER_WORD = "[A-Za-z0-9]{26}"

_ALPHANUMERIC = string.ascii_letters + string.digits
_HOST_PREFIX = "__Host-"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_BEARER = re.compile(r"bearer +([A-Za-z0-9_-]{43}) *", re.IGNORECASE | re.ASCII)
_MOST_CANDIDATES = 4
_MOST_WAITING = 32

T = TypeVar("T")


class TooBusy(PplError):
    """Too many passwords wait to be hashed or verified."""

    code = "too_busy"


# Secrets


def new_secret() -> str:
    """A new random secret of 256 bits, as 43 characters that are safe in URLs, cookies and headers."""
    return secrets.token_urlsafe(32)


def new_sender_token() -> str:
    """A new random token for lines, of 154 bits: with its enterprise number it fills the SD-ID of RFC 5424."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(26))


def secret_hash(secret: str) -> bytes:
    """What the store remembers of ``secret``. It is random, so a fast hash without salt is enough."""
    return hashlib.sha256(secret.encode("utf-8")).digest()


def is_secret(text: str) -> bool:
    """Whether ``text`` has the form of a secret."""
    return _SECRET.fullmatch(text) is not None


def csrf_token(secret: str) -> str:
    """The token of forms shown to the browser that holds ``secret``; the secret cannot be told from it."""
    digest = hmac.digest(secret.encode("utf-8"), b"ppl form", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def csrf_token_matches(secret: str, given: str) -> bool:
    """Whether ``given`` is the form token of ``secret``, in constant time."""
    return hmac.compare_digest(csrf_token(secret).encode("ascii"), given.encode("utf-8", "replace"))


# Headers


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


async def find_session(store: Store, candidates: list[str], kind: SessionKind) -> tuple[str, Session, Account] | None:
    """The first of ``candidates`` that is the secret of an unexpired session of ``kind``."""
    for secret in candidates:
        found = await store.session(secret_hash(secret))
        if found is not None and found[0].kind == kind:
            return secret, *found
    return None


async def authenticate(store: Store, cookie_header: str | None, authorization_header: str | None) -> Account | None:
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


# Passwords


class Passwords:
    """Hashes and verifies passwords with Argon2id in the reactor's threads, a few at a time.

    Each takes 64 MiB and a good part of a processor (RFC 9106 section 4, second recommendation), so ``at_once`` are
    worked on and a bounded number wait; beyond that :class:`TooBusy` is raised.
    """

    _log = Logger()

    def __init__(self, reactor: Any, at_once: int = 2, hasher: PasswordHasher | None = None) -> None:
        self._reactor = reactor
        self._hasher = hasher or PasswordHasher()
        self._slots = DeferredSemaphore(at_once)
        self._nobody = _hash_of_nobody(self._hasher)

    async def hash(self, password: str) -> str:
        """The Argon2id hash of ``password``, with its parameters and salt."""
        return await self._in_thread(lambda: self._hasher.hash(_normal(password)))

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether ``password`` is that of ``password_hash``; ``None`` (no such account) takes the same time."""
        return await self._in_thread(lambda: self._verify(password_hash or self._nobody, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether ``password_hash`` was made with parameters other than today's."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normal(password))
        except VerifyMismatchError:
            return False
        except InvalidHashError:
            self._log.error("A stored password hash is not Argon2's; its account cannot log in")
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if len(self._slots.waiting) >= _MOST_WAITING:
            raise TooBusy("Too many people are logging in right now; try again in a few seconds.")
        pool = self._reactor.getThreadPool()
        doing: Deferred[T] = self._slots.run(deferToThreadPool, self._reactor, pool, work)
        return await doing


def _normal(password: str) -> str:
    """``password`` however the keyboard composed its letters (NIST SP 800-63B section 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """A hash of today's parameters with a random digest: verifying takes its time and always fails."""

    def random(length: int) -> str:
        return base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode("ascii")

    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${parameters}${random(hasher.salt_len)}${random(hasher.hash_len)}"
