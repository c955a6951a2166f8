"""Counts the lines of each shape in bounded memory, and reports which counts have changed.

Lines come newest first, many at a time. When there are more shapes than can be kept, those with the fewest lines are
dropped: their lines are counted as others, and reports say how many lines any count may lack.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from heapq import nlargest
from typing import Any

import attrs

from ppl.model import SEVERITIES
from ppl.similar.queries import grouping_query
from ppl.similar.shapes import readable
from ppl.timezone import utc_text

#: Most groups that are kept, that the last report has, and that an earlier report has.
MOST_KEPT, MOST_TOLD, MOST_MEANWHILE = 4_000, 1_000, 200

#: Bars of a group's plot.
BARS = 48

#: The number for lines without a severity; it follows that of the mildest severity.
NO_SEVERITY = 8


@attrs.define(eq=False)
class Group:
    """The lines of one shape.

    Attributes:
        count: lines in the range.
        before: lines in the period with which the range is compared.
        first, last: the lowest and highest id of the lines.
        severity: the worst severity of the lines.
        bars: lines in each part of the range.
    """

    shape: bytes
    first: int
    last: int
    severity: int = NO_SEVERITY
    count: int = 0
    before: int = 0
    bars: array[int] = attrs.field(factory=lambda: array("I", bytes(4 * BARS)))

    @property
    def key(self) -> str:
        """A short text that identifies the shape, the same in every answer."""
        return blake2b(self.shape, digest_size=8).hexdigest()

    def counts(self) -> dict[str, Any]:
        """The fields that change from report to report."""
        return {
            "key": self.key,
            "count": self.count,
            "before": self.before,
            "first": utc_text(self.first),
            "last": utc_text(self.last),
            "id": str(self.last),
            **({"severity": SEVERITIES[self.severity]} if self.severity < NO_SEVERITY else {}),
            "plot": list(self.bars),
        }

    def whole(self) -> dict[str, Any]:
        """All fields, including those that stay the same."""
        return {**self.counts(), "text": readable(self.shape), "query": grouping_query(self.shape)}


class Groups:
    """The groups of a range.

    Attributes:
        read: lines that were grouped.
        others: lines whose group was dropped.
        missed: the most lines that any count may lack.
    """

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._groups: dict[bytes, Group] = {}
        self._changed: set[bytes] = set()
        self._told: set[bytes] = set()
        self.read = self.others = self.missed = 0

    def add(self, shapes: Sequence[bytes], severities: Sequence[bytes], ids: Sequence[bytes], bar: int) -> None:
        """Count lines of one bar, newest first; the severity of a line without one is ``\\N``."""
        # In a dictionary the last value of a key wins: here the id of a shape's oldest line, below that of its newest.
        firsts = dict(zip(shapes, ids, strict=True))
        lasts = dict(zip(reversed(shapes), reversed(ids), strict=True))
        groups = self._groups
        for shape, last in lasts.items():
            group = groups.get(shape)
            if group is None:
                groups[shape] = Group(shape, int(firsts[shape]), int(last))
            else:
                group.first = min(group.first, int(firsts[shape]))
                group.last = max(group.last, int(last))
        for (shape, severity), count in Counter(zip(shapes, severities, strict=True)).items():
            group = groups[shape]
            group.count += count
            group.bars[bar] += count
            if severity != b"\\N":
                group.severity = min(group.severity, int(severity))
        self._changed.update(lasts)
        self.read += len(shapes)
        if len(groups) > self._most:
            self._drop()

    def compare(self, shapes: Sequence[bytes]) -> None:
        """Count lines of the period with which the range is compared, only for groups that are kept."""
        for shape, count in Counter(shapes).items():
            if (group := self._groups.get(shape)) is not None:
                group.before += count
                self._changed.add(shape)

    def _drop(self) -> None:
        kept = nlargest(self._most // 2, self._groups.values(), key=lambda group: group.count)
        dropped = self._groups.keys() - {group.shape for group in kept}
        lines = [self._groups[shape].count for shape in dropped]
        self.others += sum(lines)
        self.missed += max(lines)
        self._groups = {group.shape: group for group in kept}
        self._changed -= dropped

    def report(self, *, is_last: bool = False) -> dict[str, Any]:
        """The changes among the largest groups since the last report, and the keys of groups that have left them."""
        most = MOST_TOLD if is_last else MOST_MEANWHILE
        largest = {group.shape: group for group in nlargest(most, self._groups.values(), key=lambda group: group.count)}
        changed = [
            group.counts() if shape in self._told else group.whole()
            for shape, group in largest.items()
            if shape in self._changed or shape not in self._told
        ]
        gone = [Group(shape, 0, 0).key for shape in self._told - largest.keys()]
        self._told = set(largest)
        self._changed.clear()
        untold = sum(group.count for group in self._groups.values()) - sum(each.count for each in largest.values())
        return {
            "groups": changed,
            **({"gone": gone} if gone else {}),
            "read": self.read,
            "others": self.others + untold,
            "missed": self.missed,
        }
