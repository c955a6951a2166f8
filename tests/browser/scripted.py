"""A WebSocket server for the viewer that sends what a test wants, for frames that a real server sends rarely.

It replaces the network, never the page: the frames are those of ``docs/protocol.rst``.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

_EPOCH, _NOVEMBER = datetime(1970, 1, 1), datetime(2026, 11, 1)
_LONG = 10**12


class ScriptedServer:
    """The server that the page's WebSockets connect to; it sends to the newest one.

    Attributes:
        asked: (event, data) of every frame that the page has sent.
        opens: how many WebSockets the page has opened.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.opens = 0
        self._socket: WebSocketRoute | None = None

    def opened(self, socket: WebSocketRoute) -> None:
        """Playwright: the page opens a WebSocket."""
        self.opens += 1
        self._socket = socket
        socket.on_message(self._heard)

    def _heard(self, message: str | bytes) -> None:
        frame = json.loads(message)
        self.asked.append((frame["event"], frame.get("data", {})))

    def asks(self, event: str) -> list[dict[str, Any]]:
        """The data of every frame with that event that the page has sent."""
        return [data for name, data in self.asked if name == event]

    def say(self, name: str, /, **data: Any) -> None:
        """Send one frame."""
        assert self._socket is not None, "the page has opened no WebSocket"
        self._socket.send(json.dumps({"event": name, "data": data}))

    def logs(self, *numbers: int, is_oldest: bool = False, **range_of: str) -> None:
        """Send ``send_logs`` with the events that have those ids."""
        oldest = "true" if is_oldest else "false"
        self.say("send_logs", events=[event(number) for number in numbers], isOldestEventReached=oldest, **range_of)

    def live(self, *numbers: int) -> None:
        """Send ``live_update_logs`` with the events that have those ids."""
        self.say("live_update_logs", events=[event(number) for number in numbers], isOldestEventReached="false")

    def close(self) -> None:
        """Close the WebSocket."""
        assert self._socket is not None, "the page has opened no WebSocket"
        self._socket.close(code=1001)


def event(number: int, message: str | None = None, seconds: int | None = None) -> dict[str, str]:
    """The event with the id ``number`` and, unless another is given, the message ``line <number>``.

    Its time is ``seconds`` (its id if not given) after the beginning of 1 November 2026. A long id is itself the time,
    in µs.
    """
    since = _EPOCH if number > _LONG else _NOVEMBER
    time = since + timedelta(seconds=(number / 1e6 if number > _LONG else number) if seconds is None else seconds)
    return {
        "id": str(number),
        "created_at": f"{time:%Y-%m-%d %H:%M:%S}",
        "time": f"{time:%Y-%m-%dT%H:%M:%S}.000000Z",
        "sender_ip": "10.0.0.7",
        "hostname": "web-01",
        "file_name": "app",
        "message": f"line {number}" if message is None else message,
    }


def ids(page: Page) -> list[int]:
    """The ids of the rows, from top to bottom."""
    return [int(each) for each in page.locator("#log .row").evaluate_all("rows => rows.map(row => row.dataset.id)")]
