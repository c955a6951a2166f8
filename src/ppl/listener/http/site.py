"""The drain on an endpoint of its own, for a listener without a site: it serves nothing but ``/logs/``."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from ppl.access.throttle import Rate
from ppl.http.client import Proxies
from ppl.http.refusals import LINES_OF_ADDRESS, Refusals
from ppl.http.uploads import UploadChannel, UploadRequest, Uploads, log_line
from ppl.listener.http.refusals import NothingHere
from ppl.listener.limits.addresses import sender_address
from ppl.listener.limits.admission import Admission
from ppl.services.clock import steady_clock
from ppl.services.turns import Turns

_IDLE_SECONDS = 60


class _Channel(UploadChannel):
    """A connection that gives way to others of its address while it has sent nothing."""

    _admission: Admission | None = None
    _sender = ""
    _is_silent = True

    def count(self, admission: Admission, sender: str) -> None:
        """Count this connection, which was admitted from the address ``sender``, until it ends."""
        self._admission, self._sender = admission, sender
        admission.began(self, sender)
        self.ended.addBoth(lambda _: self._leave())

    def dataReceived(self, data: bytes) -> None:
        """Twisted: data has arrived."""
        self._speak()
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def is_silent(self) -> bool:
        """See :class:`~ppl.listener.limits.silence.Silent`; everything that arrives here is read at once."""
        return self._is_silent

    def give_way(self) -> None:
        """See :class:`~ppl.listener.limits.silence.Silent`."""
        self._leave()
        transport: Any = self.transport
        transport.abortConnection()

    def _speak(self) -> None:
        if self._is_silent:
            self._is_silent = False
            if self._admission is not None:
                self._admission.spoke(self, self._sender)

    def _leave(self) -> None:
        self._speak()
        if self._admission is not None:
            self._admission.left_drain(self._sender)
            self._admission = None


class DrainSite(Site):
    """Serves ``uploads`` and answers 404 to everything else.

    Args:
        uploads: begins each upload.
        reactor: timers.
        admission: limits the connections of each address except proxies, which carry many clients; ``None``: no limit.
        proxies: trusted proxies, whose headers name the client.
    """

    displayTracebacks = False
    protocol = _Channel  # type: ignore[assignment]

    def __init__(
        self,
        uploads: Uploads,
        reactor: Any,
        admission: Admission | None = None,
        proxies: Proxies | None = None,
        refusals: Rate = LINES_OF_ADDRESS,
    ) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            _Elsewhere(),
            _Request,
            timeout=_IDLE_SECONDS,
            reactor=reactor,
            parsePOSTFormSubmission=False,
            logFormatter=log_line,
        )
        self.uploads = uploads
        self.turns = Turns(reactor)
        self.proxies = proxies or Proxies()
        self._admission = admission
        self._refusals = Refusals(steady_clock, refusals)

    def buildProtocol(self, address: Any) -> Any:
        """Twisted: make the protocol of a new connection."""
        host = getattr(address, "host", None)
        if self._admission is None or host is None or self.proxies.trusts(host):
            return super().buildProtocol(address)
        admission, sender = self._admission, sender_address(host)
        if not admission.admit_to_drain(sender):
            return _Refused()
        channel: _Channel = super().buildProtocol(address)
        channel.count(admission, sender)
        return channel

    def log(self, request: Any) -> None:
        """Twisted: log an answer, unless it is one of many (:class:`~ppl.http.refusals.Refusals`)."""
        if self._refusals.has_line(request):
            super().log(request)

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 only: refusing an upload before its body has come needs the whole connection."""
        return [b"http/1.1"]


class _Refused(Protocol):
    """Closes a connection that is not admitted; ``None`` instead would be taken for a protocol by Twisted's TLS."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


class _Request(UploadRequest):
    def begin_upload(self, length: int | None) -> bool:
        """Whether this is an upload; any other request with a body is cut off, as Twisted would keep the body."""
        if super().begin_upload(length):
            return True
        if length != 0:
            channel: Any = self.channel
            channel._respondToBadRequestAndDisconnect()
        return False


class _Elsewhere(Resource):
    isLeaf = True

    def render(self, request: Any) -> Any:
        reply = NothingHere().reply
        request.setResponseCode(reply.status)
        request.setHeader("Server", "Ppl")
        request.setHeader("Content-Type", "application/json; charset=utf-8")
        request.setHeader("Content-Length", str(len(reply.body)))
        request.write(reply.body)
        request.finish()
        return NOT_DONE_YET
