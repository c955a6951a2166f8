"""Frames to viewers as bytes. An event's JSON is made once for all viewers of the same time zone."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ppl.errors import ProtocolError
from ppl.model import Event
from ppl.timezone import parse_time_zone
from ppl.wire import viewer_event

_TEXT = {True: '"true"', False: '"false"'}


class EventTexts:
    """JSON texts of the events that were sent last; bounded."""

    def __init__(self, most: int = 8192) -> None:
        self._most = most
        self._texts: dict[tuple[str, str, int], str] = {}

    def of(self, user_id: str, event: Event, time_zone: str) -> str:
        """The event of ``user_id`` as a JSON object in ``time_zone``."""
        key = time_zone, user_id, event.id
        text = self._texts.get(key)
        if text is None:
            text = json.dumps(viewer_event(event, parse_time_zone(time_zone)), ensure_ascii=False)
            if len(self._texts) >= self._most:
                self._texts.clear()
            # A long message would make a bounded number of entries an unbounded number of bytes.
            if len(text) < 4096:
                self._texts[key] = text
        return text


def send_logs(texts: Iterable[str], is_oldest: bool, **range_of: int | None) -> bytes:
    """``send_logs`` of events given as JSON texts; ``range_of`` (those not ``None``) says which range it is."""
    range_ = "".join(f', "{name}": "{id_}"' for name, id_ in range_of.items() if id_ is not None)
    return (
        f'{{"event": "send_logs", "data": {{"events": [{", ".join(texts)}],'
        f' "isOldestEventReached": {_TEXT[is_oldest]}{range_}}}}}'
    ).encode()


def live_update(text: str, is_oldest: bool) -> bytes:
    """``live_update_logs`` of one event."""
    return (
        f'{{"event": "live_update_logs", "data": {{"event": {text}, "isOldestEventReached": {_TEXT[is_oldest]}}}}}'
    ).encode()


def live_updates(texts: Iterable[str], is_oldest: bool) -> bytes:
    """``live_update_logs`` of many events, for who opted into ``batch``."""
    return (
        f'{{"event": "live_update_logs", "data": {{"events": [{", ".join(texts)}],'
        f' "isOldestEventReached": {_TEXT[is_oldest]}}}}}'
    ).encode()


def live_gap(skipped: int, first: int, last: int) -> bytes:
    """``live_gap``: ids inclusive."""
    return _frame("live_gap", {"skipped": skipped, "from": str(first), "to": str(last)})


def paused_count(new: int) -> bytes:
    """``paused_count``."""
    return _frame("paused_count", {"new": str(new)})


def error(refusal: ProtocolError) -> bytes:
    """``error``."""
    data = {"code": refusal.code, "message": str(refusal)}
    return _frame("error", data if refusal.event is None else {**data, "event": refusal.event})


def _frame(event: str, data: dict[str, object] | dict[str, str]) -> bytes:
    # ASCII: what a client wrote is repeated here, and half a surrogate pair has no UTF-8.
    return json.dumps({"event": event, "data": data}).encode()
