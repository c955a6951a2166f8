"""Decides which uploads the drain takes: by token, address and quota, and how many, how often and how much at once."""

from __future__ import annotations

from collections import Counter, OrderedDict

import attrs

from ppl.access.networks import Networks
from ppl.access.secrets import secret_hash
from ppl.access.throttle import Rate, Throttle
from ppl.errors import StatementTimeout, StoreUnavailable
from ppl.listener.http.refusals import AddressNotAllowed, NotServedHere, OverQuota, TooMany, UnknownToken
from ppl.listener.intake import Intake
from ppl.listener.limits.admission import uncount
from ppl.model import Destination
from ppl.store.interface import PeopleStore

#: Wrong tokens allowed from one address.
_WRONG_TOKENS = Rate(burst=20, seconds=6)
_MOST_KNOWN = 10_000

#: Uploads allowed in one burst, in multiples of the rate per second.
_BURST_FACTOR = 10

_OUTSIDE = "refusing uploads from {detail}: outside the allowed networks (Settings, Senders)"


@attrs.frozen
class DrainLimits:
    """Limits of the drain; see the options of the same names.

    Attributes:
        max_drain_bytes: bytes of one body, also after unzipping.
        max_drain_requests: uploads in progress to one destination.
        max_drain_requests_per_second: uploads a second to one destination.
        queue_bytes: bytes of all bodies in progress together.
    """

    max_drain_bytes: int
    max_drain_requests: int
    max_drain_requests_per_second: int
    queue_bytes: int


class DrainAdmission:
    """Finds the destinations of tokens, and counts uploads in progress.

    Args:
        store: has the tokens.
        intake: gives the meters, and the admission with its clock and its log of bursts.
        host: the listener's public host, whose destinations are served.
        limits: how many uploads are admitted, and how large.
    """

    def __init__(self, store: PeopleStore, intake: Intake, host: str, limits: DrainLimits) -> None:
        self.limits = limits
        self._store = store
        self._intake = intake
        self._host = host
        self._wrong = Throttle(_WRONG_TOKENS, intake.admission.clock)
        rate = limits.max_drain_requests_per_second
        self._rates = Throttle(Rate(rate * _BURST_FACTOR, 1 / rate), intake.admission.clock)
        # Hashes of tokens that were valid before: they are looked up again, but do not count as guesses.
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._under_way: Counter[int] = Counter()
        self._held = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies that are held in memory."""
        return self._held

    async def find(self, secret: str, address: str) -> Destination:
        """The destination of the token ``secret``, sent from ``address`` (in the form that is throttled).

        Every token costs the same: one hash and one query.

        Raises:
            UnknownToken: the token is wrong or revoked.
            NotServedHere: its destination belongs to another listener.
            TooMany: too many wrong tokens came from ``address``.
            StoreUnavailable, StatementTimeout: the store cannot answer now.
        """
        hashed = secret_hash(secret)
        is_guess = hashed not in self._known
        if is_guess:
            wait = self._wrong.take(address)
            if wait:
                raise TooMany("Too many wrong drain tokens came from this address.", wait)
        try:
            destination = await self._store.drained(hashed)
        except (StoreUnavailable, StatementTimeout):
            if is_guess:
                # Nobody knows whether it was a wrong one.
                self._wrong.give_back(address)
            raise
        if destination is None:
            self._known.pop(hashed, None)
            self._intake.admission.say_once(address, "upload with a wrong or revoked drain token")
            raise UnknownToken
        if is_guess:
            self._wrong.give_back(address)
            self._known[hashed] = None
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        if destination.served_by != self._host:
            raise NotServedHere(destination.served_by)
        return destination

    def check_address(self, destination: Destination, address: str) -> None:
        """Check that an upload to ``destination`` may come from ``address``.

        Raises:
            AddressNotAllowed: ``address`` is outside the destination's networks.
        """
        if not Networks(destination.networks).hold(address):
            self._say(destination, _OUTSIDE, address)
            raise AddressNotAllowed(address)

    def check_quota(self, destination: Destination) -> None:
        """Check that ``destination`` is within its quota; if so, an upload is taken whole.

        Raises:
            OverQuota: the quota is used up.
        """
        meter = self._intake.meters.of(destination)
        wait = meter.wait()
        if wait:
            meter.drop(1, meter.why(), "upload")
            raise OverQuota(f"This destination was sent {meter.why()}.", wait)

    def enter(self, destination: Destination) -> None:
        """Count an upload that begins, until :meth:`leave`.

        Raises:
            TooMany: the destination is over a limit.
        """
        most = self.limits.max_drain_requests
        if self._under_way[destination.id] >= most:
            self._say(destination, f"{most} uploads are under way; more are refused (--max-drain-requests)")
            raise TooMany(f"{most} uploads to this destination are under way: try again when one has ended.")
        wait = self._rates.take(destination.user_id)
        if wait:
            self._say(destination, "uploads come too often (--max-drain-requests-per-second)")
            raise TooMany("Uploads to this destination come too often.", wait)
        self._under_way[destination.id] += 1

    def leave(self, destination: Destination) -> None:
        """Stop counting an upload that entered and has ended."""
        uncount(self._under_way, destination.id)

    def check_room(self, size: int) -> None:
        """Check that ``size`` more bytes of bodies may be held in memory.

        Raises:
            TooMany: all together would be too many.
        """
        if size > 0 and self._held + size > self.limits.queue_bytes:
            raise TooMany("Too much is being uploaded right now: try again in a second.")

    def hold(self, size: int) -> None:
        """Count ``size`` more bytes of bodies held in memory (below 0: fewer).

        Raises:
            TooMany: all together would be too many; the bytes are not counted.
        """
        self.check_room(size)
        self._held += size

    def _say(self, destination: Destination, what: str, detail: str = "") -> None:
        self._intake.admission.say_once(destination.user_id, what, detail)
