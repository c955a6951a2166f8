"""TLS that asks senders for a certificate: of those that a destination knows, or signed by one of them."""

from __future__ import annotations

import ssl
from typing import Any

from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from zope.interface import implementer

from ppl.listener.tls import Certificates, Connection, why


@implementer(IOpenSSLServerConnectionCreator)
class KnownSenders:
    """TLS as ``certificates`` serve it, for senders that one of ``known`` vouches for.

    Args:
        certificates: what is shown to senders.
        known: PEM of certificates: of authorities, or of senders themselves.
    """

    _log = Logger()

    def __init__(self, certificates: Certificates, known: str) -> None:
        self._certificates, self._known = certificates, known
        self._context: ssl.SSLContext | None = None
        # The context that was current when this one was made: another one has new files.
        self._made_beside: ssl.SSLContext | None = None

    def serverConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Twisted: TLS for one more connection."""
        current = self._certificates.current()
        if self._made_beside is not current:
            try:
                self._context = self._certificates.load(self._known)
            except OSError as error:
                self._log.error("Senders with certificates cannot be taken now: {why}", why=why(error))
            else:
                self._made_beside = current
        # One that shows no certificate ends every handshake.
        return Connection(self._context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
