"""Throttles login attempts, so that guessing is slow, yet the owner can log in on a device that has logged in before.

A wrong password counts against three buckets: the client's address, the email from that address, and the email from
anywhere. Many addresses together could empty the last one and lock the owner out. So a successful login leaves a cookie
on the device, made from the password's hash; with it, attempts from known devices have a bucket of their own. A new
password or a renewed hash makes the cookie invalid.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import attrs

from ppl.access.sessions import cookie_name, cookie_values
from ppl.access.throttle import Rate, Throttle
from ppl.model import Clock
from ppl.web.http.answers import Cookie, spend
from ppl.web.http.visit import Visit

DEVICE_COOKIE = "ppl_device"

_DEVICE_SECONDS = 365 * 24 * 3600

_OF_ADDRESS = Rate(burst=20, seconds=6)
_OF_EMAIL_FROM_ADDRESS = Rate(burst=10, seconds=30)
_OF_EMAIL = Rate(burst=100, seconds=30)
_OF_DEVICE = Rate(burst=10, seconds=30)
_RIGHT_OF_EMAIL = Rate(burst=50, seconds=10)


@attrs.frozen
class Attempt:
    """One attempt to log in.

    Attributes:
        mailbox: a digest of the email address; the address itself, of any length, would take memory as a key.
        client: the address that the attempt comes from.
        is_known_device: whether the account has logged in on this device before.
    """

    mailbox: str
    client: str
    is_known_device: bool


class Logins:
    """Throttles login attempts; ``clock`` gives µs."""

    def __init__(self, clock: Clock) -> None:
        self._of_address = Throttle(_OF_ADDRESS, clock)
        self._of_email_from_address = Throttle(_OF_EMAIL_FROM_ADDRESS, clock)
        self._of_email = Throttle(_OF_EMAIL, clock)
        self._of_device = Throttle(_OF_DEVICE, clock)
        self._right = Throttle(_RIGHT_OF_EMAIL, clock)

    def begin(self, visit: Visit, email: str, password_hash: str | None) -> Attempt:
        """Count an attempt, before its password is verified.

        Args:
            visit: the request, which may carry the device's cookie.
            email: the email address as given.
            password_hash: the hash of the account with that email, if there is one.

        Raises:
            TooManyRequests: the client must wait before it tries again.
        """
        mailbox = hashlib.sha256(email.encode("utf-8", "replace")).hexdigest()
        attempt = Attempt(mailbox, visit.client, _is_known(visit, password_hash))
        if attempt.is_known_device:
            spend(self._of_device, mailbox)
        else:
            spend(self._of_address, visit.client)
            spend(self._of_email_from_address, f"{mailbox} {visit.client}")
            spend(self._of_email, mailbox)
        return attempt

    def succeeded(self, attempt: Attempt) -> None:
        """Stop counting ``attempt`` against its buckets: its password was right, so it was not a guess.

        Raises:
            TooManyRequests: the account logs in successfully too often.
        """
        if attempt.is_known_device:
            self._of_device.forget(attempt.mailbox)
        else:
            self._of_address.give_back(attempt.client)
            self._of_email_from_address.forget(f"{attempt.mailbox} {attempt.client}")
            self._of_email.give_back(attempt.mailbox)
        spend(self._right, attempt.mailbox)


def device_cookie(visit: Visit, password_hash: str) -> Cookie:
    """The cookie that marks a device on which a login has succeeded."""
    return Cookie(cookie_name(DEVICE_COOKIE, visit.secure), _of_device(password_hash), visit.secure, _DEVICE_SECONDS)


def _is_known(visit: Visit, password_hash: str | None) -> bool:
    if password_hash is None:
        return False
    given = cookie_values(visit.header("cookie"), cookie_name(DEVICE_COOKIE, visit.secure))
    # Compared as bytes: compare_digest accepts only ASCII text, and a cookie may hold anything.
    own = _of_device(password_hash).encode()
    return any(hmac.compare_digest(each.encode("utf-8", "replace"), own) for each in given)


def _of_device(password_hash: str) -> str:
    digest = hmac.digest(password_hash.encode("utf-8"), b"ppl device", "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")
