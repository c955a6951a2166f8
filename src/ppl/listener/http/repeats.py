"""Bodies that are sent again, such as logplex frames: each is stored once, a repeat gets the answer of the first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import attrs
from twisted.internet.defer import Deferred

from ppl.http.uploads import UploadReply

_MOST_FRAMES = 10_000


@attrs.define(eq=False)
class _Frame:
    """A body with an id: its answer once it is stored, and the repeats that wait for it."""

    stored: UploadReply | None = None
    waiting: list[Deferred[UploadReply]] = attrs.Factory(list)


class SeenFrames:
    """Recent frames, by destination and id, such as ``Logplex-Frame-Id``; the oldest are forgotten."""

    def __init__(self) -> None:
        self._frames: OrderedDict[tuple[int, str], _Frame] = OrderedDict()

    async def once(self, frame: tuple[int, str], store: Callable[[], Deferred[UploadReply]]) -> UploadReply:
        """The answer of ``store``; for a frame that was stored, or is being stored, the answer of the first."""
        known = self._frames.get(frame)
        if known is not None:
            if known.stored is not None:
                return known.stored
            answer: Deferred[UploadReply] = Deferred()
            known.waiting.append(answer)
            return await answer
        mine = self._frames[frame] = _Frame()
        if len(self._frames) > _MOST_FRAMES:
            self._frames.popitem(last=False)
        try:
            mine.stored = await store()
        except Exception as error:
            self._frames.pop(frame, None)
            for each in mine.waiting:
                each.errback(error)
            raise
        for each in mine.waiting:
            each.callback(mine.stored)
        return mine.stored
