"""How much a destination may be sent: the operator's bounds, and its owner's within them."""

from __future__ import annotations

import attrs

from ppl.model import Destination

#: The largest bounds that can be set, by the operator and by owners.
MOST_LINES_PER_SECOND, MOST_BYTES_PER_DAY = 1_000_000_000, 10**15 - 1


@attrs.frozen
class Quota:
    """Bounds; ``None``: none.

    Attributes:
        lines_per_second: lines a second, ``BURST_SECONDS`` as many at once.
        bytes_per_day: bytes as received in a day of UTC.
    """

    lines_per_second: int | None = None
    bytes_per_day: int | None = None

    def __bool__(self) -> bool:
        """Whether anything is bounded."""
        return self.lines_per_second is not None or self.bytes_per_day is not None


#: Lines that may come at once, in seconds of the rate: senders return together, and programs write in bursts.
BURST_SECONDS = 10


def quota_of(destination: Destination, most: Quota) -> Quota:
    """What holds for ``destination`` where the operator allows ``most``."""
    return Quota(
        _lesser(destination.max_lines_per_second, most.lines_per_second),
        _lesser(destination.max_bytes_per_day, most.bytes_per_day),
    )


def _lesser(own: int | None, most: int | None) -> int | None:
    return min((each for each in (own, most) if each is not None), default=None)


def in_words(quota: Quota) -> tuple[str, str]:
    """The two bounds as log lines and pages name them, ``""`` where there is none."""
    lines, size = quota.lines_per_second, quota.bytes_per_day
    return (
        "" if lines is None else f"{lines:,} line{'s' if lines != 1 else ''}/s",
        "" if size is None else f"{size:,} bytes a day",
    )
