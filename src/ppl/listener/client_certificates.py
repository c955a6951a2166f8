"""TLS that requires a client certificate: one that the destination knows, or one signed by such a certificate."""

from __future__ import annotations

import ssl
from typing import Any

from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from zope.interface import implementer

from ppl.listener.tls import Certificates, TlsConnection, why


@implementer(IOpenSSLServerConnectionCreator)
class KnownSenders:
    """Serves TLS as ``certificates`` do, but only to senders that one of ``known`` vouches for.

    Args:
        certificates: the certificate that is shown to senders.
        known: PEM of certificates: of authorities, or of senders themselves.
    """

    _log = Logger()

    def __init__(self, certificates: Certificates, known: str) -> None:
        self._certificates, self._known = certificates, known
        self._context: ssl.SSLContext | None = None
        # The server's context that was current when this one was made: if it has changed, the files have.
        self._made_beside: ssl.SSLContext | None = None
        # Why the last context could not be made, ``""`` if it was: a reason is logged once, not for each connection.
        self._failure = ""

    def serverConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Twisted: TLS for one more connection."""
        current = self._certificates.current()
        if self._made_beside is not current:
            try:
                self._context = self._certificates.load(self._known)
            except OSError as error:
                self._say(why(error))
            else:
                self._made_beside, self._failure = current, ""
        # A context without a certificate fails every handshake.
        return TlsConnection(self._context or ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))

    def _say(self, failure: str) -> None:
        if failure != self._failure:
            self._failure = failure
            self._log.error("TLS with client certificates cannot be set up: {why}", why=failure)
