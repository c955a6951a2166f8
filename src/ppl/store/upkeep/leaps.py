"""Notices in what is stored that the clock leapt ahead, so that retention drops nothing by a clock that may be wrong.

A machine that starts with a clock 400 days ahead would drop a year of events within a minute. So after a gap in what is
stored, retention waits until events have come for a day beyond it, time enough to see the warning.
"""

from __future__ import annotations

import attrs
from twisted.logger import Logger

from ppl.model import DAY, Clock
from ppl.store.connecting.pool import Pool

#: A gap of this many µs makes the clock suspicious.
GAP = 7 * DAY

#: For this many µs beyond the gap, or of running without any event beyond it, nothing is dropped.
HOLD = DAY

_AROUND = (
    "SELECT max(last_id) FILTER (WHERE slot_lower <= %(since)s), min(slot_lower) FILTER (WHERE slot_lower > %(since)s)"
    " FROM event_count WHERE slot_lower <= %(now)s"
)


@attrs.define
class Leaps:
    """Whether the clock leapt ahead lately.

    Attributes:
        pool: of the PostgreSQL that is looked at.
        clock: µs; the one that is in doubt.
        steady: µs; a clock that is never set.
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
                "Nothing is stored of the {days:.0f} days before now: if this machine's clock is ahead, put it right."
                " Retention drops nothing for a day",
                days=gap / DAY,
            )
        else:
            self._log.info("Retention goes on by this machine's clock")
