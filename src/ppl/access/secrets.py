"""Random secrets, which are stored only as their SHA-256, and the CSRF tokens that tie a form to its browser."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import string

#: Regular expression for a sender token.
SENDER_WORD = "[A-Za-z0-9]{26}"

_ALPHANUMERIC = string.ascii_letters + string.digits
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def new_secret() -> str:
    """A new random secret of 256 bits, as 43 characters that are safe in URLs, cookies and headers."""
    return secrets.token_urlsafe(32)


def new_sender_token() -> str:
    """A new random token of 154 bits for lines; with the enterprise number it fills an SD-ID of RFC 5424."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(26))


def secret_hash(secret: str) -> bytes:
    """The hash of ``secret`` that is stored. Secrets are random, so a fast hash without salt is enough."""
    return hashlib.sha256(secret.encode("utf-8")).digest()


def is_secret(text: str) -> bool:
    """Whether ``text`` has the form of a secret."""
    return _SECRET.fullmatch(text) is not None


def csrf_token(secret: str) -> str:
    """The CSRF token in forms shown to the browser that holds ``secret``; the secret cannot be derived from it."""
    digest = hmac.digest(secret.encode("utf-8"), b"ppl form", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def csrf_token_matches(secret: str, given: str) -> bool:
    """Whether ``given`` is the CSRF token of ``secret``, compared in constant time."""
    return hmac.compare_digest(csrf_token(secret).encode("ascii"), given.encode("utf-8", "replace"))
