"""Random secrets and the tokens of forms."""

from __future__ import annotations

import hashlib

from ppl.access.secrets import csrf_token, csrf_token_matches, is_secret, new_secret, secret_hash


def test_secrets_are_random_and_long() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(is_secret(secret) for secret in made)


def test_a_form_token_belongs_to_one_secret_and_does_not_show_it() -> None:
    secret = new_secret()
    token = csrf_token(secret)
    assert csrf_token_matches(secret, token)
    assert not csrf_token_matches(new_secret(), token)
    assert not csrf_token_matches(secret, "")
    assert not csrf_token_matches(secret, "ü\ud800")
    assert secret not in token
    assert token.encode() not in secret_hash(secret)


def test_the_store_gets_the_sha_256_of_a_secret() -> None:
    secret = new_secret()
    assert secret_hash(secret) == hashlib.sha256(secret.encode()).digest()
