"""Quotas: how much may be sent to a destination. The operator sets limits, and the owner may set lower ones."""

from __future__ import annotations

import attrs

from ppl.model import Destination

#: The largest quotas that the operator or an owner can set.
MOST_LINES_PER_SECOND, MOST_BYTES_PER_DAY = 1_000_000_000, 10**15 - 1


@attrs.frozen
class Quota:
    """Limits on what is sent to a destination; ``None`` means no limit.

    Attributes:
        lines_per_second: lines per second, ``BURST_SECONDS`` times as many in a burst.
        bytes_per_day: bytes, as received, per UTC day.
    """

    lines_per_second: int | None = None
    bytes_per_day: int | None = None

    def __bool__(self) -> bool:
        """Whether there is any limit."""
        return self.lines_per_second is not None or self.bytes_per_day is not None


#: Size of a permitted burst, in seconds of the rate: senders reconnect together, and programs write in bursts.
BURST_SECONDS = 10


def quota_of(destination: Destination, most: Quota) -> Quota:
    """The quota of ``destination``: of each limit, the lower of its owner's and the operator's (``most``)."""
    return Quota(
        _lesser(destination.max_lines_per_second, most.lines_per_second),
        _lesser(destination.max_bytes_per_day, most.bytes_per_day),
    )


def _lesser(own: int | None, most: int | None) -> int | None:
    return min((each for each in (own, most) if each is not None), default=None)


def in_words(quota: Quota) -> tuple[str, str]:
    """The two limits as log lines and pages name them, ``""`` for one that is not set."""
    lines, size = quota.lines_per_second, quota.bytes_per_day
    return (
        "" if lines is None else f"{lines:,} line{'s' if lines != 1 else ''}/s",
        "" if size is None else f"{size:,} bytes a day",
    )
