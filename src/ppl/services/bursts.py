"""Warnings that strangers can cause as often as they like: a burst of them is one line in the log."""

from __future__ import annotations

from collections import OrderedDict

from twisted.logger import Logger

from ppl.model import SECOND, Clock

#: µs without another warning of the same kind after which a burst has ended.
BURST = 60 * SECOND
_MOST_BURSTS = 1000

_DETAIL = "{detail}"


class Bursts:
    """Warns once per burst; the warning of the next burst says how many more the previous one had.

    Args:
        log: the logger that warns.
        clock: a steady clock, µs.
    """

    def __init__(self, log: Logger, clock: Clock) -> None:
        self._log, self._clock = log, clock
        # Who and what → when it last happened, and how often since it was logged.
        self._bursts: OrderedDict[tuple[str, str], tuple[int, int]] = OrderedDict()

    def say_once(self, who: str, what: str, detail: str = "") -> None:
        """Warn that ``who`` (an address or a ``user_id``) has hit a limit or made an error, once per burst.

        ``detail`` belongs to the warning that is logged; another detail does not start another burst. It replaces
        ``{detail}`` in ``what``, or else follows it in brackets.
        """
        now = self._clock()
        last, times = self._bursts.pop((who, what), (now - BURST, 0))
        if now - last >= BURST:
            more = f" ({times} more in the previous burst)" if times else ""
            after = f" ({detail})" if detail and _DETAIL not in what else ""
            said = what.replace(_DETAIL, detail) + after
            self._log.warn("{who}: {what}{more}", who=who, what=said, more=more)
            times = -1
        self._bursts[who, what] = now, times + 1
        if len(self._bursts) > _MOST_BURSTS:
            self._bursts.popitem(last=False)

    def __len__(self) -> int:
        return len(self._bursts)
