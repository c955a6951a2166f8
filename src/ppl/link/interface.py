"""The interfaces between the link and its two sides; only :mod:`ppl.service` chooses the link's implementation.

A *channel* is one open connection between one listener and one server. Each side gives its transport
(:mod:`ppl.link.local` or :mod:`ppl.link.websocket`) one :class:`LinkEnd`, which is told of every channel that opens,
every message on it and its loss. Messages arrive in the order they were sent, never re-entrantly (never inside
``send``), each at most once; what was in flight at a loss is gone, and both ends reconcile from the database.
"""

from __future__ import annotations

from typing import Protocol

from ppl.link.messages import Message


class Channel(Protocol):
    """One open connection to the other side."""

    def send(self, message: Message) -> None:
        """Queue ``message``; does nothing once the channel is lost."""

    @property
    def congested(self) -> bool:
        """Whether more bytes than the limit wait to be written: then ``new_logs`` must not be sent."""


class LinkEnd(Protocol):
    """What a side does with its channels; one object serves them all."""

    def channel_opened(self, channel: Channel) -> None:
        """A connection is open and authenticated."""

    def message_received(self, channel: Channel, message: Message) -> None:
        """The other side sent ``message``."""

    def channel_drained(self, channel: Channel) -> None:
        """``congested`` turned from true to false."""

    def channel_lost(self, channel: Channel) -> None:
        """The connection is gone; ``channel`` is never used again."""
