"""The first registration where strangers may come first: only by the one-time link that the log shows."""

from __future__ import annotations

import hmac
import re

from ppl.access.secrets import is_secret, new_secret, secret_hash
from ppl.options import Settings


class Setup:
    """The link's secret, of which only a hash is kept.

    Attributes:
        path: of the link, with the secret; to be said once, in the log.
    """

    def __init__(self) -> None:
        secret = new_secret()
        self.path = f"register?setup={secret}"
        self._hash: bytes | None = secret_hash(secret)

    def allows(self, given: str) -> bool:
        """Whether ``given`` is the secret and was not used yet, in constant time."""
        return self._hash is not None and is_secret(given) and hmac.compare_digest(secret_hash(given), self._hash)

    def use(self) -> None:
        """The first account is there: the link is worth nothing more."""
        self._hash = None


def setup_of(settings: Settings) -> Setup | None:
    """What the first registration needs; ``None`` where only this machine reaches the site, or others decide."""
    if settings.registration == "first" and (settings.public_url is not None or not is_local(settings.http)):
        return Setup()
    return None


def is_local(endpoint: str) -> bool:
    """Whether a Twisted server endpoint string is reached from this machine only."""
    if endpoint.startswith("unix:"):
        return True
    match = re.search(r":interface=((?:\\.|[^:\\])*)", endpoint)
    interface = match[1].replace("\\", "") if match else ""
    return interface == "localhost" or interface == "::1" or interface.startswith("127.")
