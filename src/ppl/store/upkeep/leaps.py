"""Notices from a gap in the stored events that the clock leapt ahead, so that retention drops nothing because of it.

A machine that starts with a clock 400 days ahead would drop a year of events within a minute. So after a gap retention
waits until events have come in for a day beyond it, time enough to see the warning.
"""

from __future__ import annotations

import attrs
from twisted.logger import Logger

from ppl.model import DAY, Clock
from ppl.store.connecting.pool import Pool

#: A gap of more than this many µs makes the clock doubtful.
GAP = 7 * DAY

#: Nothing is dropped until there are events this many µs beyond the gap, or Ppl has run this long without any.
HOLD = DAY

_AROUND = (
    "SELECT max(last_id) FILTER (WHERE slot_lower <= %(since)s), min(slot_lower) FILTER (WHERE slot_lower > %(since)s)"
    " FROM event_count WHERE slot_lower <= %(now)s"
)


@attrs.define
class Leaps:
    """Tells whether the clock may have leapt ahead lately.

    Attributes:
        pool: connections to the PostgreSQL whose events are looked at.
        clock: the clock in doubt, in µs.
        steady: a clock that is never set, in µs.
    """

    pool: Pool
    clock: Clock
    steady: Clock
    _began: int = attrs.field(init=False)
    _is_held: bool = attrs.field(default=False, init=False)

    _log = Logger()

    def __attrs_post_init__(self) -> None:
        self._began = self.steady()

    async def is_doubtful(self) -> bool:
        """Whether nothing may be dropped now; logs when that begins and when it ends."""
        now = self.clock()
        ((before, beyond),) = await self.pool.read(_AROUND, {"since": now - HOLD, "now": now})
        gap = 0 if before is None else (now if beyond is None else beyond) - before
        waits = beyond is not None or self.steady() - self._began < HOLD
        held = gap > GAP and waits
        if held != self._is_held:
            self._is_held = held
            self._say(gap)
        return held

    def _say(self, gap: int) -> None:
        if self._is_held:
            self._log.warn(
                "No events are stored from the last {days:.0f} days: if this machine's clock is ahead, set it right."
                " Retention drops nothing for a day",
                days=gap / DAY,
            )
        else:
            self._log.info("Retention trusts this machine's clock again and drops expired events")
