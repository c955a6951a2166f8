"""The drain on an endpoint of its own, as a listener without a site has it: nothing but ``/logs/``."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from ppl.access.throttle import Rate
from ppl.http.client import Proxies
from ppl.http.refusals import LINES_OF_ADDRESS, Refusals
from ppl.http.uploads import UploadChannel, UploadRequest, Uploads, log_line
from ppl.listener.http.refusals import error_reply
from ppl.listener.limits.addresses import sender_address
from ppl.listener.limits.admission import Admission
from ppl.services.clock import steady_clock
from ppl.services.turns import Turns

_IDLE_SECONDS = 60


class _Channel(UploadChannel):
    """A connection, which gives way to others of its address while it has sent nothing."""

    _admission: Admission | None = None
    _sender = ""
    _is_silent = True

    def count(self, admission: Admission, sender: str) -> None:
        """It was admitted from the address ``sender``."""
        self._admission, self._sender = admission, sender
        admission.began(self, sender)
        self.ended.addBoth(lambda _: self._leave())

    def dataReceived(self, data: bytes) -> None:
        """Twisted: something has come."""
        self._speak()
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def is_silent(self) -> bool:
        """See :class:`~ppl.listener.limits.silence.Silent`; all that has come is read."""
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
    """Serves ``uploads`` and answers all else that it is not here.

    Args:
        uploads: what takes them.
        reactor: timers.
        admission: counts the connections of each address, but of proxies, which have theirs for all; ``None``: of none.
        proxies: those that are believed when they say who sends.
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
        """Twisted: a connection has come."""
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
        """Twisted: a line about each answer but those to many refused requests."""
        if self._refusals.has_line(request):
            super().log(request)

    def acceptableProtocols(self) -> list[bytes]:
        """HTTP/1.1 only: uploads are refused before their body comes, which needs the connection."""
        return [b"http/1.1"]


class _Refused(Protocol):
    """A connection that may not be: not ``None`` instead, which Twisted's TLS would take for a protocol."""

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


class _Request(UploadRequest):
    def begin_upload(self, length: int | None) -> bool:
        """Whatever is no upload has no body that would be kept."""
        if super().begin_upload(length):
            return True
        if length != 0:
            channel: Any = self.channel
            channel._respondToBadRequestAndDisconnect()
        return False


class _Elsewhere(Resource):
    isLeaf = True

    def render(self, request: Any) -> Any:
        reply = error_reply(404, "not_found", "Only POST /logs/<token> is served here.")
        request.setResponseCode(reply.status)
        request.setHeader("Server", "Ppl")
        request.setHeader("Content-Type", "application/json; charset=utf-8")
        request.setHeader("Content-Length", str(len(reply.body)))
        request.write(reply.body)
        request.finish()
        return NOT_DONE_YET
