"""Encodes frames for viewers as bytes; frames of live events are made once for all viewers that get the same events."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping

from autobahn.websocket.protocol import PreparedMessage

from ppl.errors import ProtocolError
from ppl.live.batch import Batch
from ppl.model import Event
from ppl.search.columns import with_columns
from ppl.timezone import parse_time_zone, utc_text
from ppl.viewer.effects import Way
from ppl.wire import viewer_event

#: About how many characters of JSON one ``live_update_logs`` carries.
_FRAME_BYTES = 1 << 20

_TEXT = {True: '"true"', False: '"false"'}

#: The latest time that can be written as text, µs.
_LAST_TIME = 253_402_300_799_999_999


class EventTexts:
    """Keeps the JSON texts of events that were sent recently, a bounded number.

    The oldest are forgotten one by one: to free thousands of texts at once holds the reactor, and so everyone's lines.
    """

    def __init__(self, most: int = 8192) -> None:
        self._most = most
        self._texts: OrderedDict[tuple[tuple[str, ...], str, str, int], str] = OrderedDict()

    def of(self, user_id: str, event: Event, time_zone: str, columns: tuple[str, ...] = ()) -> str:
        """``event``, which ``user_id`` received, as a JSON object with times in ``time_zone`` and with ``columns``."""
        key = columns, time_zone, user_id, event.id
        text = self._texts.get(key)
        if text is None:
            fields = with_columns(viewer_event(event, parse_time_zone(time_zone)), event, columns)
            text = json.dumps(fields, ensure_ascii=False)
            # With long messages, a bounded number of entries would be an unbounded number of bytes.
            if len(text) < 4096:
                self._texts[key] = text
                if len(self._texts) > self._most:
                    self._texts.popitem(last=False)
        return text


class LiveFrames:
    """Encodes batches as ``live_update_logs`` for the socket, and keeps recent results, bounded in bytes."""

    def __init__(self, texts: EventTexts, most_bytes: int = 4 << 20) -> None:
        self._texts = texts
        self._most_bytes = most_bytes
        self._bytes = 0
        self._octets: OrderedDict[tuple[Batch, str, bool, bool, tuple[str, ...]], bytes] = OrderedDict()

    @property
    def held_bytes(self) -> int:
        """Number of bytes that are kept."""
        return sum(map(len, self._octets.values()))

    def of(
        self,
        user_id: str,
        batch: Batch,
        time_zone: str,
        is_oldest: bool,
        together: bool,
        columns: tuple[str, ...] = (),
    ) -> bytes:
        """Messages with the events of ``batch``, which ``user_id`` received: one for each, or many ``together``."""
        key = batch, time_zone, is_oldest, together, columns
        octets = self._octets.get(key)
        if octets is None:
            texts = [self._texts.of(user_id, event, time_zone, columns) for event in batch]
            if together:
                payloads = [live_updates(part, is_oldest) for part in _frames_of(texts)]
            else:
                payloads = [live_update(text, is_oldest) for text in texts]
            octets = b"".join(map(prepared, payloads))
            self._octets[key] = octets
            self._bytes += len(octets)
            # The newest stays, however long it is: other viewers are about to get it.
            while self._bytes > self._most_bytes and len(self._octets) > 1:
                _, oldest = self._octets.popitem(last=False)
                self._bytes -= len(oldest)
        return octets


def _frames_of(texts: Iterable[str]) -> Iterator[list[str]]:
    """Split ``texts`` into groups of one frame each; JSON may be longer than the text it is made from."""
    part: list[str] = []
    size = 0
    for text in texts:
        part.append(text)
        size += len(text)
        if size >= _FRAME_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def prepared(payload: bytes) -> bytes:
    """A text message as octets that any server WebSocket may send: Autobahn's prepared message, never compressed."""
    octets: bytes = PreparedMessage(payload, isBinary=False, applyMask=False, doNotCompress=True).payloadHybi
    return octets


def send_logs(texts: Iterable[str], is_oldest: bool, way: Way | None = None, **range_of: int | None) -> bytes:
    """``send_logs`` of events given as JSON texts.

    ``way`` says how far a search has got. ``range_of`` names the range, by the ids that are not ``None``.
    """
    more = {name: str(id_) for name, id_ in range_of.items() if id_ is not None}
    if way is not None:
        more |= _way(way)
        if not way.is_last:
            more["isPartial"] = "true"
    range_ = "".join(f', "{name}": "{value}"' for name, value in more.items())
    return (
        f'{{"event": "send_logs", "data": {{"events": [{", ".join(texts)}],'
        f' "isOldestEventReached": {_TEXT[is_oldest]}{range_}}}}}'
    ).encode()


def search_progress(way: Way) -> bytes:
    """``search_progress``."""
    return _frame("search_progress", {**_way(way), "found": str(way.found)})


def _way(way: Way) -> dict[str, str]:
    time = utc_text(min(max(0, way.reached), _LAST_TIME))
    left = {} if way.left is None else {"left": str(way.left)}
    return {"searchedBackTo" if way.is_back else "searchedUpTo": time, "reached": str(way.reached), **left}


def live_update(text: str, is_oldest: bool) -> bytes:
    """``live_update_logs`` of one event."""
    return (
        f'{{"event": "live_update_logs", "data": {{"event": {text}, "isOldestEventReached": {_TEXT[is_oldest]}}}}}'
    ).encode()


def live_updates(texts: Iterable[str], is_oldest: bool) -> bytes:
    """``live_update_logs`` of many events, for viewers that opted in to ``batch``."""
    return (
        f'{{"event": "live_update_logs", "data": {{"events": [{", ".join(texts)}],'
        f' "isOldestEventReached": {_TEXT[is_oldest]}}}}}'
    ).encode()


def live_gap(skipped: int, first: int, last: int) -> bytes:
    """``live_gap`` from id ``first`` to id ``last``, both inclusive."""
    return _frame("live_gap", {"skipped": skipped, "from": str(first), "to": str(last)})


def paused_count(new: int) -> bytes:
    """``paused_count``."""
    return _frame("paused_count", {"new": str(new)})


def marks_changed() -> bytes:
    """``marks_changed``."""
    return _frame("marks_changed", {})


def error(refusal: ProtocolError) -> bytes:
    """``error``."""
    return _frame("error", refusal.fields)


def _frame(event: str, data: Mapping[str, object]) -> bytes:
    # As ASCII: errors repeat what a client wrote, and half a surrogate pair cannot be encoded as UTF-8.
    return json.dumps({"event": event, "data": data}).encode()
