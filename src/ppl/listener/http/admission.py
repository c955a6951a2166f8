"""Which uploads the drain takes: whose token it is, and how many, how often and how much at once."""

from __future__ import annotations

from collections import Counter, OrderedDict

import attrs

from ppl.access.networks import Networks
from ppl.access.secrets import secret_hash
from ppl.access.throttle import Rate, Throttle
from ppl.listener.entrance import Intake
from ppl.listener.http.refusals import AddressNotAllowed, NotServedHere, OverQuota, TooMany, UnknownToken
from ppl.listener.limits.admission import uncount
from ppl.model import Destination
from ppl.store.interface import Store

#: Wrong tokens of one address.
_WRONG_TOKENS = Rate(burst=20, seconds=6)
_MOST_KNOWN = 10_000

#: Uploads that may come at once, in multiples of what may come in a second.
_BURST_FACTOR = 10

_OUTSIDE = "refusing uploads from {detail}: outside the allowed networks (Settings, Senders)"


@attrs.frozen
class DrainLimits:
    """What the drain takes; see the options of the same names.

    Attributes:
        max_drain_bytes: of one body, unzipped too.
        max_drain_requests: under way to one destination.
        max_drain_requests_per_second: to one destination.
        queue_bytes: of all bodies on their way together.
    """

    max_drain_bytes: int
    max_drain_requests: int
    max_drain_requests_per_second: int
    queue_bytes: int


class DrainAdmission:
    """Finds the destinations of tokens, and counts what is under way.

    Args:
        store: knows the tokens.
        intake: its admission's clock and log of bursts are used.
        host: whose destinations are served.
        limits: how many are admitted.
    """

    def __init__(self, store: Store, intake: Intake, host: str, limits: DrainLimits) -> None:
        self.limits = limits
        self._store = store
        self._intake = intake
        self._host = host
        self._wrong = Throttle(_WRONG_TOKENS, intake.admission.clock)
        rate = limits.max_drain_requests_per_second
        self._rates = Throttle(Rate(rate * _BURST_FACTOR, 1 / rate), intake.admission.clock)
        # Hashes of tokens that led somewhere: they are looked up again, but are no guesses.
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self._under_way: Counter[int] = Counter()
        self._held = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of bodies that are held."""
        return self._held

    async def find(self, secret: str, address: str) -> Destination:
        """The destination of the token ``secret``, given from ``address`` (as it is throttled).

        Every token costs the same: one hash, one look into the store.

        Raises:
            UnknownToken: it leads nowhere.
            NotServedHere: to a destination of another listener.
            TooMany: too many wrong ones came from there.
            StoreUnavailable, StatementTimeout: it cannot be known now.
        """
        hashed = secret_hash(secret)
        is_guess = hashed not in self._known
        if is_guess:
            wait = self._wrong.take(address)
            if wait:
                raise TooMany("Too many wrong drain tokens came from this address.", wait)
        destination = await self._store.drained(hashed)
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
            AddressNotAllowed: it is outside its networks.
        """
        if not Networks(destination.networks).hold(address):
            self._say(destination, _OUTSIDE, address)
            raise AddressNotAllowed(address)

    def check_quota(self, destination: Destination) -> None:
        """Check that ``destination`` is within its quota; an upload is taken whole then.

        Raises:
            OverQuota: it is not.
        """
        meter = self._intake.meters.of(destination)
        wait = meter.wait()
        if wait:
            meter.drop(1, meter.why(), "upload")
            raise OverQuota(f"This destination was sent {meter.why()}.", wait)

    def enter(self, destination: Destination) -> None:
        """An upload begins; it is counted until :meth:`leave`.

        Raises:
            TooMany: the destination is over a limit.
        """
        most = self.limits.max_drain_requests
        if self._under_way[destination.id] >= most:
            self._say(destination, f"{most} uploads are under way; more are refused (--max-drain-requests)")
            raise TooMany(f"{most} uploads to this destination are under way.")
        wait = self._rates.take(destination.user_id)
        if wait:
            self._say(destination, "uploads come too often (--max-drain-requests-per-second)")
            raise TooMany("Uploads to this destination come too often.", wait)
        self._under_way[destination.id] += 1

    def leave(self, destination: Destination) -> None:
        """An upload that entered has ended."""
        uncount(self._under_way, destination.id)

    def hold(self, size: int) -> None:
        """``size`` more bytes of bodies are held (or, below 0, fewer).

        Raises:
            TooMany: all together are too many; they are not counted.
        """
        if size > 0 and self._held + size > self.limits.queue_bytes:
            raise TooMany("Too much is being uploaded right now.")
        self._held += size

    def _say(self, destination: Destination, what: str, detail: str = "") -> None:
        self._intake.admission.say_once(destination.user_id, what, detail)
