"""Passwords are kept as Argon2id hashes."""

from __future__ import annotations

from typing import Literal

import pytest
import pytest_twisted
from argon2 import Parameters, PasswordHasher, extract_parameters
from argon2.low_level import Type
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults

from ppl.access.passwords import Passwords, TooBusy
from tests.fixtures.hashing import QUICK


@pytest_twisted.ensureDeferred
async def test_a_password_is_hashed_with_argon2id() -> None:
    password_hash = await Passwords(reactor).hash("correct horse")
    parameters = extract_parameters(password_hash)
    assert parameters.type is Type.ID
    assert parameters.memory_cost >= 19 * 1024, "OWASP's minimum"
    assert "correct" not in password_hash


@pytest_twisted.ensureDeferred
async def test_only_the_same_password_verifies() -> None:
    passwords = Passwords(reactor, hasher=QUICK)
    password_hash = await passwords.hash("correct horse")
    assert await passwords.verify(password_hash, "correct horse")
    assert not await passwords.verify(password_hash, "Correct horse")
    assert not await passwords.verify(password_hash, "")


@pytest_twisted.ensureDeferred
async def test_a_password_is_the_same_however_its_letters_were_composed() -> None:
    passwords = Passwords(reactor, hasher=QUICK)
    assert await passwords.verify(await passwords.hash("caf\u00e9 caf\u00e9"), "cafe\u0301 cafe\u0301")


class Watched(PasswordHasher):
    """A hasher that records the parameters of each verification."""

    def __init__(self) -> None:
        super().__init__(time_cost=2, memory_cost=2048, parallelism=1)
        self.verified: list[Parameters] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified.append(extract_parameters(str(hash)))
        return super().verify(hash, password)


@pytest_twisted.ensureDeferred
async def test_an_unknown_account_takes_the_same_work_as_a_wrong_password() -> None:
    hasher = Watched()
    passwords = Passwords(reactor, hasher=hasher)
    password_hash = await passwords.hash("correct horse")
    assert not await passwords.verify(password_hash, "wrong horse")
    assert not await passwords.verify(None, "wrong horse")
    known, unknown = hasher.verified
    assert known == unknown


@pytest_twisted.ensureDeferred
async def test_a_hash_with_other_parameters_needs_a_rehash() -> None:
    assert Passwords(reactor).needs_rehash(await Passwords(reactor, hasher=QUICK).hash("correct horse"))


@pytest_twisted.ensureDeferred
async def test_a_broken_hash_verifies_nothing(nothing_left_behind: list[str]) -> None:
    assert not await Passwords(reactor).verify("no hash", "no hash")
    assert len(nothing_left_behind) == 1
    assert "not Argon2" in nothing_left_behind.pop()


@pytest_twisted.ensureDeferred
async def test_beyond_a_bounded_queue_passwords_are_refused() -> None:
    passwords = Passwords(reactor, at_once=1, hasher=QUICK)
    doing = [Deferred.fromCoroutine(passwords.hash("correct horse")) for _ in range(33)]
    with pytest.raises(TooBusy):
        await passwords.hash("one too many")
    assert len(set(await gatherResults(doing))) == 33, "each has its own salt"
