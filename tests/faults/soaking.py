"""The clients of a soak test: senders of every kind that come and go, and viewers that watch, wander and return."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from tests.faults.lines import LineSender
from tests.fixtures.relp import RelpSender
from tests.fixtures.running import Registered
from tests.fixtures.watching import Viewer

#: The last line, which every watcher waits for.
END = "end 0"


class Part(threading.Thread):
    """A thread that works until :meth:`finish`, which raises what went wrong.

    Attributes:
        finishing: set when it must end.
        error: the exception that ended it early.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.finishing = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        """Call :meth:`act`; the body of the thread."""
        try:
            self.act()
        except BaseException as error:
            self.error = error

    def act(self) -> None:
        """Do the work, until ``finishing`` is set."""
        raise NotImplementedError

    def finish(self) -> None:
        """Let it end, and wait for that."""
        self.finishing.set()
        self.join(90)
        if self.error is not None:
            raise self.error
        assert not self.is_alive(), f"{self.name} does not end"


class ComingAndGoing(Part):
    """Sends plain lines over one connection after the other, each with numbers of its own.

    Attributes:
        senders: one for each connection.
    """

    def __init__(self, name: str, connect: Callable[[str], LineSender], stay: float) -> None:
        super().__init__(name)
        self.senders: list[LineSender] = []
        self._connect, self._stay = connect, stay

    def act(self) -> None:
        """Connect again and again."""
        while not self.finishing.is_set():
            sender = self._connect(f"{self.name}-{len(self.senders)}")
            self.senders.append(sender)
            sender.start()
            self.finishing.wait(self._stay)
            sender.finish()


class Shaking(Part):
    """Breaks the connections of RELP senders."""

    def __init__(self, senders: list[RelpSender], every: float) -> None:
        super().__init__("shaking")
        self._senders, self._every = senders, every

    def act(self) -> None:
        """Break one connection after the other."""
        while not self.finishing.wait(self._every):
            random.choice(self._senders).reconnect()


class Datagrams(Part):
    """Sends a datagram now and then.

    Attributes:
        sent: number of datagrams.
    """

    def __init__(self, who: Registered, rate: float, name: str = "udp") -> None:
        super().__init__(name)
        self.sent = 0
        self._who, self._rate = who, rate

    def act(self) -> None:
        """Send datagrams."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            while not self.finishing.wait(1 / self._rate):
                line = f"<13>1 - h app - - - {self.name} {self.sent}".encode()
                sending.sendto(line, (self._who.host, self._who.port))
                self.sent += 1


class Watcher(Part):
    """Counts all events from the first to ``END``, if need be over several connections.

    Args:
        url: Ppl's.
        who: the account whose events it watches.
        stay: seconds of one connection.

    Attributes:
        seen: number of events, each of which came once and in order.
        gaps: how often it was told that it is too slow; it then reconnected for the rest.
    """

    def __init__(self, name: str, url: str, who: Registered, stay: float) -> None:
        super().__init__(name)
        self.seen = self.gaps = 0
        self._url, self._who, self._stay = url, who, stay
        self._last = 0
        self._ended = False

    def act(self) -> None:
        """Connect again and again, each time from the last event seen."""
        while not self._ended:
            with Viewer(self._url, self._who) as viewer:
                self._watch(viewer)

    def _watch(self, viewer: Viewer) -> None:
        until = time.monotonic() + self._stay
        viewer.send(
            "send_user_data",
            {"user_id": self._who.user_id, "logs_portion": "1000", "batch": True, "since": str(self._last)},
        )
        while time.monotonic() < until and not self._ended:
            name, data = viewer.next(60)
            viewer.received.clear()
            if name == "live_gap":
                self.gaps += 1
                return
            assert name in ("send_logs", "live_update_logs"), f"{name}: {data}"
            self._take(data["events"] if "events" in data else [data["event"]])

    def _take(self, events: list[dict[str, Any]]) -> None:
        for event in events:
            assert int(event["id"]) > self._last, "each event once, in order"
            self._last = int(event["id"])
            self._ended = event["message"] == END
        self.seen += len(events)


class Wanderer(Part):
    """A viewer that connects, pages back, pauses, resumes and disconnects."""

    def __init__(self, url: str, who: Registered) -> None:
        super().__init__("wanderer")
        self._url, self._who = url, who

    def act(self) -> None:
        """Repeat that."""
        while not self.finishing.is_set():
            with Viewer(self._url, self._who) as viewer:
                viewer.identify(batch=True)
                for event in ("get_logs", "pause_live_update", "get_logs", "get_logs", "resume_live_update"):
                    viewer.send(event)
                    self._until_answered(viewer, 0 if event == "pause_live_update" else 1)
            self.finishing.wait(1)

    def _until_answered(self, viewer: Viewer, answers: int) -> None:
        while answers:
            name, data = viewer.next(60)
            assert name != "error", data
            answers -= name == "send_logs"
