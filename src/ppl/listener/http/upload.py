"""One upload to the drain: admitted, gathered, handed to the writer in pieces, answered after the commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import tzinfo
from typing import Any

import attrs
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.http.client import Proxies
from ppl.http.uploads import UploadReply, UploadRequest
from ppl.listener.http.admission import DrainAdmission
from ppl.listener.http.handover import Gate, Handover
from ppl.listener.http.headers import charset_named, short_body_id, vercel_proof, zip_named
from ppl.listener.http.live_body import LIVE_BYTES, LiveBody
from ppl.listener.http.places import UploadPlace, header_secret
from ppl.listener.http.refusals import (
    DrainRefusal,
    NothingHere,
    NoToken,
    OverQuota,
    TooMany,
    TooSlow,
    UnknownToken,
    Unreadable,
    UploadFailed,
    UploadMethodNotAllowed,
    UploadTooLarge,
    UploadUnavailable,
    UploadUnsupportedType,
    WrongToken,
    greeting,
)
from ppl.listener.http.repeats import ChannelCounts, KnownLines, NewKeys, SeenFrames
from ppl.listener.http.work_turns import WorkTurns
from ppl.listener.intake import Intake
from ppl.model import SECOND, Destination
from ppl.sources.bodies import BodyTooLarge, BodyUnreadable
from ppl.sources.charsets import in_utf8
from ppl.sources.kinds import KindReply, Probe, ReadAlong, Taken, UploadHead
from ppl.sources.known import BODIES, allowed_methods, probe_at, upload_kind, upload_methods
from ppl.sources.packed import Body, Unpacking, Zip
from ppl.store.interface import EventStore
from ppl.timezone import parse_time_zone

#: Seconds after which an upload that waits looks again whether Ppl is still busy.
_LOOK_AGAIN_SECONDS = 0.1

#: Seconds after which a token is looked up again while the database is away.
_LOOK_UP_AGAIN_SECONDS = 0.5

#: The kind of keys of lines in bodies with ids, which any protocol may have.
_BODY_KEYS = "body"

_TYPES = "Send text/plain, application/x-ndjson, application/json or application/logplex-1."
_GREETED = ("GET", "HEAD")


@attrs.define(eq=False)
class Uploading:
    """The state that all uploads share.

    Attributes:
        intake: takes the lines.
        admission: decides which uploads are taken.
        store: has the keys that were stored before the start.
        reactor: turns and timers.
        proxies: trusted proxies, whose headers name the client.
        gate: shut while the writer's queue is full.
        frames: the bodies with an id that were stored recently.
        known: the lines with keys that were stored recently, by the kind of their keys.
        channels: how many uploads of each channel are stored.
        uploads: the uploads that are not answered yet.
        prepared: the preparations of kinds that were made.
        submitting: a Deferred for each upload on its way to the writer; it fires when the writer has all the lines.
        turns: the turns in which bodies are read.
    """

    intake: Intake
    admission: DrainAdmission
    store: EventStore
    reactor: Any
    proxies: Proxies
    gate: Gate = attrs.Factory(Gate)
    frames: SeenFrames = attrs.Factory(SeenFrames)
    known: dict[str, KnownLines] = attrs.Factory(dict)
    channels: ChannelCounts = attrs.Factory(ChannelCounts)
    uploads: set[DrainUpload] = attrs.Factory(set)
    prepared: set[Callable[[], None]] = attrs.Factory(set)
    submitting: set[Deferred[None]] = attrs.Factory(set)
    turns: WorkTurns = attrs.field(init=False)

    @turns.default
    def _turns(self) -> WorkTurns:
        return WorkTurns(self.reactor)

    def known_of(self, kind: str) -> KnownLines:
        """What is known of lines with keys of a kind."""
        known = self.known.get(kind)
        if known is None:
            known = self.known[kind] = KnownLines(lambda id_: self.store.upload_keys(id_, kind), self.turns)
        return known


class DrainUpload:
    """One upload, an :class:`ppl.http.uploads.Upload`.

    Attributes:
        is_taken: whether its lines are being handed to the writer, so that only their commit ends it.
        connection_ended: fires when its connection has ended.
    """

    _log = Logger()

    def __init__(self, drain: Uploading, request: UploadRequest, place: UploadPlace) -> None:
        self.is_taken = False
        channel: Any = request.channel
        self.connection_ended: Deferred[None] = channel.ended
        self._drain = drain
        self._request = request
        self._body: Body | None = None
        # Data that came before the upload was admitted: the rest of one read.
        self._early: list[bytes] = []
        self._is_complete = self._is_answered = False
        self._destination: Destination | None = None
        self._place = place
        self._found = upload_kind(request.header, place.kinds)
        self._kind = self._found or place.kinds[0]
        self._id = short_body_id(self._header(self._kind.id_header))
        self._codec = ""
        self._held = 0
        self._wait: Deferred[None] | None = None
        # Instead of ``_body``, where lines are stored while the body comes.
        self._live: LiveBody | None = None
        self._is_reading = self._is_lost = False

    def begin(self, length: int | None) -> None:
        """The headers have come."""
        if not self._place.is_known:
            self.refuse(NothingHere())
            return
        method, kinds = self._head.method, self._place.kinds
        probe = probe_at(kinds, method, self._place.address)
        if probe is not None and not probe.needs_token:
            self._answer(_sent(probe.reply))
            return
        uploading = upload_methods(kinds, self._place.address)
        is_greeted = probe is not None or (kinds is BODIES and method in _GREETED)
        if method not in uploading and not is_greeted:
            self.refuse(_wrong_method(uploading, self._place))
            return
        self._request.pause()
        self._do(self._greet(probe) if is_greeted else self._admit(length))

    @property
    def _head(self) -> UploadHead:
        request = self._request
        query = request.uri.partition(b"?")[2].decode("latin-1")
        now = self._drain.intake.clock()
        return UploadHead(request.method.decode("latin-1"), self._place.address, query, request.header, self._id, now)

    async def _find(self) -> Destination:
        """The destination of this upload's token, if it may come from where it does."""
        request, drain = self._request, self._drain
        secret = self._place.secret
        if secret is None:
            secret = header_secret(request.header("authorization"), self._kind.tokens)
            secret = secret or self._header(self._kind.key_header).strip() or None
            if secret is None:
                raise NoToken
        forwarded_for = request.header("x-forwarded-for")
        throttled = drain.proxies.throttled(request.peer, forwarded_for)
        try:
            destination = await drain.admission.find(secret, throttled)
        except UnknownToken:
            if self._place.secret is None:
                raise WrongToken from None
            raise
        drain.admission.check_address(destination, self._sender_ip)
        return destination

    async def _find_soon(self) -> Destination:
        """As :meth:`_find`; while the database is away, for as long as clients of this kind wait."""
        until = self._patient_until
        while True:
            try:
                return await self._find()
            except (StoreUnavailable, StatementTimeout):
                if not await self._waited(until, _LOOK_UP_AGAIN_SECONDS):
                    raise

    async def _greet(self, probe: Probe | None) -> None:
        destination = await self._find_soon()
        if self._is_answered:
            return
        # Counted among its uploads, so that these requests come no more often than those.
        self._drain.admission.enter(destination)
        self._drain.admission.leave(destination)
        self._answer(greeting() if probe is None else _sent(probe.reply))

    async def _admit(self, length: int | None) -> None:
        request, drain = self._request, self._drain
        destination = await self._find_soon()
        if self._is_answered:
            return
        self._check_kind()
        zipped = zip_named(request, self._kind)
        self._codec = charset_named(request) if self._kind.has_charset else ""
        most = drain.admission.limits.max_drain_bytes
        if length is not None and length > most and self._kind.along is None:
            raise _too_large(most)
        # What the body will take, as far as it is known. Once it is being read, it cannot wait any more.
        await self._enter(destination, LIVE_BYTES if self._kind.along is not None else length or 1)
        if self._is_answered:
            return
        if self._kind.along is not None:
            await self._take_along(self._kind.along, destination, zipped)
            return
        self._body = Body(most, zipped)
        for data in self._early:
            self._add(data)
        self._early.clear()
        if self._is_reading:
            return
        request.resume()
        if self._is_complete:
            await self._take_all()

    def _check_kind(self) -> None:
        if self._found is None:
            raise UploadUnsupportedType(_TYPES)

    async def _enter(self, destination: Destination, size: int) -> None:
        """Count the upload; when Ppl is busy, after a while: the body is not read meanwhile.

        Args:
            destination: where its lines go.
            size: bytes for which there must be room.

        Raises:
            TooMany: Ppl is busy for longer than clients of this kind wait.
        """
        drain, until = self._drain, self._patient_until
        while not self._is_answered:
            try:
                if drain.gate.shut:
                    raise TooMany("Received lines are waiting for the database: try again in a few seconds.", 5)
                drain.admission.check_quota(destination)
                drain.admission.check_room(size)
                drain.admission.enter(destination)
            except TooMany as busy:
                if isinstance(busy, OverQuota) or not await self._waited(until, _LOOK_AGAIN_SECONDS):
                    raise
            else:
                self._destination = destination
                return

    @property
    def _patient_until(self) -> float:
        """The reactor's time until which clients of this kind wait for an answer, from now on."""
        return float(self._drain.reactor.seconds() + self._kind.patience)

    async def _waited(self, until: float, seconds: float) -> bool:
        """Wait for ``seconds``, or until the upload is answered; ``False`` at once if it is, or after ``until``."""
        left = until - self._drain.reactor.seconds()
        if left <= 0 or self._is_answered:
            return False
        self._wait = deferLater(self._drain.reactor, min(left, seconds))
        with suppress(CancelledError):
            await self._wait
        self._wait = None
        return True

    def take(self, data: bytes) -> None:
        """Some of the body has come."""
        if self._is_answered:
            return
        if self._live is not None:
            self._live.add(data)
            if not self._is_reading:
                self._do(self._read_on(self._live))
            return
        if self._body is None:
            self._early.append(data)
            return
        try:
            self._add(data)
        except DrainRefusal as refusal:
            self.refuse(refusal)

    def _add(self, data: bytes) -> None:
        assert self._body is not None
        with self._refusing():
            self._body.add(data)
        if self._is_reading:
            return
        if self._body.has_more:
            self._do(self._unpack(self._body))
        else:
            self._hold(len(self._body) - self._held)

    async def _unpack(self, body: Body) -> None:
        """Unpack what has come, while nothing more is read; then go on."""
        turns = self._drain.turns
        self._is_reading = True
        self._request.pause()
        try:
            with self._refusing():
                await turns.turn()
                while body.has_more and not self._is_answered:
                    body.step()
                    self._hold(len(body) - self._held)
                    if turns.is_over:
                        await turns.turn()
        finally:
            self._is_reading = False
        if self._is_answered:
            return
        if self._is_complete:
            await self._take_all()
        else:
            self._request.resume()

    def _hold(self, more: int) -> None:
        self._drain.admission.hold(more)
        self._held += more

    def finish(self) -> None:
        """All of the body has come."""
        self._is_complete = True
        if self._is_answered:
            return
        if self._body is not None:
            if not self._is_reading:
                self._do(self._take_all())
        elif self._live is not None and not self._is_reading:
            self._do(self._take_rest(self._live))

    async def _take_all(self) -> None:
        assert self._body is not None
        assert self._destination is not None
        with self._refusing():
            body = self._body.finish()
        if self._kind.ask is not None:
            count = self._drain.channels.count(self._destination.id, self._channel)
            self._answer(_sent(self._kind.ask(self._head, body, count)))
            return
        self._drain.admission.check_quota(self._destination)
        if not self._id and self._kind.id_in is not None:
            self._id = short_body_id(self._kind.id_in(body))
        frame = (self._destination.id, self._id) if self._id else None
        self.is_taken = True
        if frame is None:
            self._answer(await self._store(body))
        else:
            self._answer(await self._drain.frames.once(frame, lambda: Deferred.fromCoroutine(self._store(body))))

    async def _store(self, body: bytes) -> UploadReply:
        return self._accepted(await self._submit(body))

    @property
    def _channel(self) -> str:
        """The channel of the request, in which its protocol numbers uploads; ``""`` for none."""
        return self._kind.channel(self._head) if self._kind.channel is not None else ""

    def _accepted(self, taken: Taken) -> UploadReply:
        """The answer when all lines are committed."""
        channel = self._channel
        if channel and self._destination is not None:
            taken = attrs.evolve(taken, number=self._drain.channels.stored(self._destination.id, channel))
        return _sent(self._kind.accepted(self._head, taken))

    async def _prepare(self) -> None:
        kind, drain = self._kind, self._drain
        if kind.prepare is not None and kind.prepare not in drain.prepared:
            await deferToThreadPool(drain.reactor, drain.reactor.getThreadPool(), kind.prepare)
            drain.prepared.add(kind.prepare)

    def _unpacked(self, body: bytes) -> bytes:
        """``body`` without the compression that is part of its protocol."""
        unpacked = self._kind.unpack(body, self._drain.admission.limits.max_drain_bytes)
        self._hold(len(unpacked) - len(body))
        return unpacked

    async def _submit(self, body: bytes) -> Taken:
        """Store the lines of ``body``."""
        destination, drain = self._destination, self._drain
        assert destination is not None
        intake, handover = drain.intake, self._handover(destination)
        with self._submitting(), self._refusing():
            await self._prepare()
            body = self._unpacked(body)
            if self._codec:
                body = await self._translated(body)
            zone = parse_time_zone(destination.time_zone)
            read = self._kind.read_at(self._head) if self._kind.read_at else self._kind.read
            await drain.turns.turn()
            await handover.give(read(body, intake.clock(), zone, intake.limits.max_line_bytes))
        self._check_count(handover.count)
        self._say_refused(handover.refused)
        return await handover.committed()

    @contextmanager
    def _submitting(self) -> Iterator[None]:
        """While the upload is on its way to the writer, a stop waits for it."""
        submitting: Deferred[None] = Deferred()
        self._drain.submitting.add(submitting)
        try:
            yield
        finally:
            self._drain.submitting.discard(submitting)
            submitting.callback(None)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn what is wrong with a body into the refusal of the upload."""
        try:
            yield
        except BodyTooLarge as error:
            raise _too_large(self._drain.admission.limits.max_drain_bytes) from error
        except BodyUnreadable as error:
            raise Unreadable(str(error)) from error

    def _handover(self, destination: Destination) -> Handover:
        drain, kind = self._drain, self._kind
        named = _BODY_KEYS if self._id else kind.keys_of or kind.name
        known, keys = drain.known_of(named), NewKeys(named, kind.keys_kept * SECOND)
        return Handover(destination, self._sender_ip, drain.intake, drain.gate, known, keys, self._id, drain.turns)

    def _say_refused(self, refused: int) -> None:
        if refused and self._destination is not None:
            self._drain.intake.admission.say_once(
                self._destination.user_id, f"an upload of {self._kind.name} has records that cannot be read"
            )

    # A body that is stored while it comes

    async def _take_along(
        self, along: Callable[[tzinfo, int], ReadAlong], destination: Destination, zipped: Zip | None
    ) -> None:
        """Begin to store a body that may never end."""
        intake, request = self._drain.intake, self._request
        self._hold(LIVE_BYTES)
        reader = along(parse_time_zone(destination.time_zone), intake.limits.max_line_bytes)
        unpacking = Unpacking(zipped) if zipped else None
        handover = self._handover(destination)
        self._live = live = LiveBody(reader, unpacking, handover, intake.clock)
        for data in self._early:
            live.add(data)
        self._early.clear()
        request.take_time()
        await self._read_on(live)

    async def _read_on(self, live: LiveBody) -> None:
        """Store what has come, while nothing more is read."""
        self._is_reading = True
        self._request.pause()
        try:
            with self._refusing():
                while live.has_more:
                    await live.read()
                    await self._within_quota()
        finally:
            self._is_reading = False
        if self._is_answered:
            return
        if self._is_lost:
            self._end()
        elif self._is_complete:
            await self._take_rest(live)
        else:
            self._request.resume()

    async def _within_quota(self) -> None:
        """Return when the destination's quota has room.

        Raises:
            OverQuota: it has none for longer than clients of this kind wait.
        """
        destination, drain = self._destination, self._drain
        if destination is None or self._is_complete or self._is_lost:
            return
        until = self._patient_until
        while drain.intake.meters.of(destination).wait() and not self._is_answered:
            if not await self._waited(until, _LOOK_AGAIN_SECONDS):
                drain.admission.check_quota(destination)
                return

    async def _take_rest(self, live: LiveBody) -> None:
        """The body has come to its end: store the rest, and answer when all of it is committed."""
        self.is_taken = True
        with self._submitting(), self._refusing():
            await live.finish()
        taken = await live.handover.committed()
        self._say_refused(taken.refused)
        self._answer(self._accepted(taken))

    async def _translated(self, body: bytes) -> bytes:
        """``body`` in UTF-8."""
        pieces = []
        for piece in in_utf8(body, self._codec):
            self._hold(len(piece))
            pieces.append(piece)
            await self._drain.turns.turn()
        return b"".join(pieces)

    @property
    def _sender_ip(self) -> str:
        """The address of the client, also behind a proxy."""
        request = self._request
        return self._drain.proxies.client(request.peer, request.header("x-forwarded-for"))

    def _header(self, name: str) -> str:
        """The value of a header that only some kinds of body have; ``""`` for the others."""
        return self._request.header(name) if name else ""

    def _check_count(self, count: int) -> None:
        said = self._header(self._kind.count_header)
        if said.isdigit() and len(said) < 10 and int(said) != count:
            assert self._destination is not None
            self._drain.intake.admission.say_once(
                self._destination.user_id,
                f"an upload of {self._kind.name} has another number of messages than its header says; all are kept",
            )

    def expired(self) -> None:
        """The body did not come in time."""
        self.refuse(TooSlow())

    def lost(self, is_whole: bool) -> None:
        """The client has gone. Lines that were taken are still stored, and the upload is counted until then."""
        self._is_lost = True
        # The lines that have come whole are stored.
        if self.is_taken or (self._is_reading and self._live is not None):
            return
        if not (is_whole and self._kind.leaves_early):
            self._end()
        elif not self._is_complete:
            self.finish()

    def refuse(self, refusal: DrainRefusal) -> None:
        """Answer with ``refusal``, in the way of the upload's protocol."""
        why, most = refusal.why, self._kind.retry_seconds
        if most is not None:
            headers = tuple((name, _sooner(name, value, most)) for name, value in why.headers)
            why = attrs.evolve(why, headers=headers)
        self._answer(_sent(self._kind.refused(self._head, why)))

    def _answer(self, reply: UploadReply) -> None:
        if self._is_answered:
            return
        self._end()
        if not self._drain.gate.is_running and not self._request.gone:
            self._request.close_after()
        proof = vercel_proof(self._request)
        self._request.answer(attrs.evolve(reply, headers=(*reply.headers, *proof)))

    def _end(self) -> None:
        """Release everything that the upload holds."""
        self._is_answered = True
        if self._wait is not None:
            self._wait.cancel()
        self._drain.uploads.discard(self)
        self._body = None
        if self._live is not None:
            self._live.is_over = True
        self._early.clear()
        self._drain.admission.hold(-self._held)
        self._held = 0
        if self._destination is not None:
            self._drain.admission.leave(self._destination)
            self._destination = None

    def _do(self, work: Any) -> None:
        Deferred.fromCoroutine(work).addErrback(self._failed)

    def _failed(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, DrainRefusal):
            self.refuse(error)
        elif isinstance(error, StoreUnavailable | StatementTimeout):
            self.refuse(UploadUnavailable("The database cannot be reached right now."))
        else:
            self._log.failure("An upload failed", failure)
            self.refuse(UploadFailed())


def _sent(reply: KindReply) -> UploadReply:
    return UploadReply(reply.status, reply.body, reply.headers, reply.hangs_up)


def _sooner(name: str, value: str, most: int) -> str:
    return str(min(int(value), most)) if name == "Retry-After" else value


def _wrong_method(uploading: Sequence[str], place: UploadPlace) -> UploadMethodNotAllowed:
    if place.kinds is BODIES:
        return UploadMethodNotAllowed()
    return UploadMethodNotAllowed(uploading, allowed_methods(place.kinds, place.address))


def _too_large(most: int) -> UploadTooLarge:
    return UploadTooLarge(f"A body may hold at most {most:,} bytes, also after unzipping (--max-drain-bytes).")
