"""Passwords as Argon2id hashes, made and verified in threads, a few at a time."""

from __future__ import annotations

import base64
import secrets
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from ppl.errors import PplError

_MOST_WAITING = 32

T = TypeVar("T")


class TooBusy(PplError):
    """Too many passwords wait to be hashed or verified."""

    code = "too_busy"


class Passwords:
    """Hashes and verifies passwords with Argon2id in the reactor's threads, a few at a time.

    Each hash takes 64 MiB and much of a processor (RFC 9106 section 4, second recommendation), so only ``at_once`` are
    computed at a time and a bounded number wait; beyond that :class:`TooBusy` is raised.
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
        """Whether ``password`` matches ``password_hash``; ``None`` (no such account) takes as long and fails."""
        return await self._in_thread(lambda: self._verify(password_hash or self._nobody, password))

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether ``password_hash`` was made with parameters other than the current ones."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _normal(password))
        except VerifyMismatchError:
            return False
        except InvalidHashError:
            self._log.error("A stored password hash is not Argon2; its account cannot log in")
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if len(self._slots.waiting) >= _MOST_WAITING:
            raise TooBusy("Too many people are logging in right now; try again in a few seconds.")
        pool = self._reactor.getThreadPool()
        doing: Deferred[T] = self._slots.run(deferToThreadPool, self._reactor, pool, work)
        return await doing


def _normal(password: str) -> str:
    """``password`` in NFKC, the same however the keyboard composed its letters (NIST SP 800-63B section 5.1.1.2)."""
    return unicodedata.normalize("NFKC", password)


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """A hash with the current parameters and a random digest: verifying takes the usual time and always fails."""

    def random(length: int) -> str:
        return base64.b64encode(secrets.token_bytes(length)).rstrip(b"=").decode("ascii")

    parameters = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${parameters}${random(hasher.salt_len)}${random(hasher.hash_len)}"
