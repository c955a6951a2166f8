"""The setup link: where strangers can reach the site, the first account is made only with this one-time link.

The log shows it when Ppl starts, so only the operator knows it.
"""

from __future__ import annotations

import hmac
import re

from ppl.access.secrets import is_secret, new_secret, secret_hash
from ppl.options import Settings


class Setup:
    """Checks the secret of the setup link, of which it keeps only a hash.

    Attributes:
        path: the path of the link, with the secret; shown once, in the log.
    """

    def __init__(self) -> None:
        secret = new_secret()
        self.path = f"register?setup={secret}"
        self._hash: bytes | None = secret_hash(secret)

    def allows(self, given: str) -> bool:
        """Whether ``given`` is the secret and has not been used yet; compares in constant time."""
        return self._hash is not None and is_secret(given) and hmac.compare_digest(secret_hash(given), self._hash)

    def use(self) -> None:
        """Make the link invalid, since the first account exists."""
        self._hash = None


def setup_of(settings: Settings) -> Setup | None:
    """The setup link that the first registration needs; ``None`` if it needs none.

    It needs none if only this machine can reach the site, or if ``registration`` is anything but ``first``.
    """
    if settings.registration == "first" and (settings.public_url is not None or not is_local(settings.http)):
        return Setup()
    return None


def is_local(endpoint: str) -> bool:
    """Whether the server at a Twisted endpoint string can be reached only from this machine."""
    if endpoint.startswith("unix:"):
        return True
    match = re.search(r":interface=((?:\\.|[^:\\])*)", endpoint)
    interface = match[1].replace("\\", "") if match else ""
    return interface == "localhost" or interface == "::1" or interface.startswith("127.")
