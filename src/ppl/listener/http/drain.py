"""The HTTPS drain: lines that come as uploads, to ``/logs/<token>`` or to the address of a protocol.

Each upload is answered only after its commit.

The service runs on the site or on an endpoint of its own. It stops in two steps: :class:`Drain` stops before the writer
and takes no more uploads; :class:`Farewell` stops after the writer, when the last answers go out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall

from ppl.http.client import Proxies
from ppl.http.uploads import UploadRequest
from ppl.listener.http.admission import DrainAdmission
from ppl.listener.http.places import place_of
from ppl.listener.http.refusals import STOPPING, UploadUnavailable
from ppl.listener.http.upload import DrainUpload, Uploading
from ppl.listener.intake import Intake
from ppl.store.interface import EventStore

#: Seconds that a stop waits for answers to go out.
FAREWELL_SECONDS = 5.0


class Drain(Service):
    """Takes uploads (:class:`ppl.http.uploads.Uploads`) while it runs.

    Args:
        intake: takes the lines.
        admission: decides which uploads are taken.
        store: has the keys that were stored before the start.
        reactor: turns and timers.
        proxies: trusted proxies, whose headers name the client.
    """

    name = "uploads over HTTP"

    def __init__(
        self, intake: Intake, admission: DrainAdmission, store: EventStore, reactor: Any, proxies: Proxies
    ) -> None:
        self._reactor = reactor
        self._state = Uploading(intake, admission, store, reactor, proxies)
        # Fire when the connections on which answers are due have ended.
        self._connections: set[Deferred[None]] = set()

    @property
    def under_way(self) -> int:
        """How many uploads are not answered yet."""
        return len(self._state.uploads)

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies that are held in memory."""
        return self._state.admission.held_bytes

    def takes(self, method: bytes, path: bytes, header: Callable[[str], str]) -> bool:
        """Whether ``path`` is a token's own address or that of a protocol, of a request with such headers."""
        return place_of(path.decode("latin-1"), method.decode("latin-1"), header) is not None

    def begin(self, request: UploadRequest, length: int | None) -> DrainUpload:
        """Begin an upload, or refuse it while the drain is stopped."""
        path, method = request.path.decode("latin-1"), request.method.decode("latin-1")
        place = place_of(path, method, request.header)
        assert place is not None
        upload = DrainUpload(self._state, request, place)
        self._state.uploads.add(upload)
        if self._state.gate.is_running:
            upload.begin(length)
        else:
            upload.refuse(UploadUnavailable(STOPPING))
        return upload

    def startService(self) -> None:
        """Take uploads from now on."""
        super().startService()
        self._state.gate.is_running = True

    def stopService(self) -> Deferred[None]:
        """Take no more uploads; fires when the writer has all lines of those that were taken."""
        super().stopService()
        self._state.gate.is_running = False
        for upload in list(self._state.uploads):
            self._connections.add(upload.connection_ended)
            if not upload.is_taken:
                upload.refuse(UploadUnavailable(STOPPING))
        submitting = [_also(work) for work in self._state.submitting]
        self._state.gate.wake()
        return DeferredList(submitting).addCallback(lambda _: None)

    async def farewell(self) -> None:
        """After the writer has stopped: send every answer, and refuse uploads that could not be stored."""
        for upload in list(self._state.uploads):
            upload.refuse(UploadUnavailable("The database cannot be reached: these lines are not stored."))
        everyone = DeferredList([_also(ended) for ended in self._connections], consumeErrors=True)
        timer: IDelayedCall = self._reactor.callLater(FAREWELL_SECONDS, everyone.cancel)
        await everyone
        if timer.active():
            timer.cancel()


class Farewell(Service):
    """Sends the last answers (:meth:`Drain.farewell`): starts before the writer, so that it stops after it."""

    name = "the answers to uploads over HTTP"

    def __init__(self, drain: Drain) -> None:
        self._drain = drain

    def stopService(self) -> Deferred[None]:
        """Fires when the answers have gone out."""
        super().stopService()
        return Deferred.fromCoroutine(self._drain.farewell())


def _also(event: Deferred[None]) -> Deferred[None]:
    """A Deferred that fires when ``event`` does, and leaves its result as it is."""
    mine: Deferred[None] = Deferred()

    def fired(outcome: Any) -> Any:
        if not mine.called:
            mine.callback(None)
        return outcome

    event.addBoth(fired)
    return mine
