"""What tests put at the ends of a link: an end that records what it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ppl.link.interface import Channel
from ppl.link.messages import Message, NewLogs
from ppl.model import Destination, Event, Events, Lines

DESTINATION = Destination(1, "logs.example.com", 20000, "+02:00")
ID = 1_790_000_000_000_000


class End:
    """A ``LinkEnd`` that records everything in the order of arrival.

    Attributes:
        told: everything it was told.
        channels: the open channels.
        fail: whether it raises at each message.
        answer: gives the message to send back at once for each message; ``None``: it sends nothing.
    """

    answer: Callable[[Any], Message] | None = None

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.channels: list[Channel] = []
        self.fail = False

    def channel_opened(self, channel: Channel) -> None:
        self.channels.append(channel)
        self.told.append(("opened",))

    def message_received(self, channel: Channel, message: Message) -> None:
        if self.fail:
            raise RuntimeError("an error of the end")
        self.told.append(("message", flat(message)))
        if self.answer is not None:
            channel.send(self.answer(message))

    def channel_drained(self, channel: Channel) -> None:
        self.told.append(("drained",))

    def channel_lost(self, channel: Channel) -> None:
        self.channels.remove(channel)
        self.told.append(("lost",))

    @property
    def messages(self) -> list[Message]:
        """What was received."""
        return [what[1] for what in self.told if what[0] == "message"]


def flat(message: Message) -> Message:
    """``message`` in the same form on both sides: with its events one by one."""
    return NewLogs(message.user_id, tuple(message.events)) if isinstance(message, NewLogs) else message


def events(*texts: str, first_id: int = ID) -> Events:
    """Events of ``DESTINATION``, one after the other."""
    count = len(texts)
    empty = [""] * count
    lines = Lines([None] * count, [1] * count, [5] * count, empty, ["app"] * count, empty, empty, empty, texts)
    return Events(DESTINATION, "192.0.2.1", first_id, lines)


def event(id_: int = ID, message: str = "x", **fields: Any) -> Event:
    return Event(id_, id_, "192.0.2.1", "app", message, **fields)
