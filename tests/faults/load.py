"""Senders that wait for acknowledgements, all at work while faults happen, and what they are promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from tests.faults.tally import Measured, tallies
from tests.fixtures.draining import DocumentSender, DrainSender, FrameSender
from tests.fixtures.relp import WINDOW, RelpSender
from tests.fixtures.running import PplProcess, Registered, eventually

#: Lines of every sender that are acknowledged between two faults.
BETWEEN = 1_000


class Acknowledged(Protocol):
    """A sender of numbered lines that sends again what was not acknowledged.

    Attributes:
        name: first word of its lines.
        window: how many lines may be unacknowledged.
        sent: lines begun.
        acknowledged: lines that Ppl has promised to have stored.
        most_doubled: lines sent again, which may have been stored before.
        interrupted: how often a connection broke.
        error: the exception that ended it.
    """

    name: str
    window: int
    sent: int
    acknowledged: int
    most_doubled: int
    interrupted: int
    error: BaseException | None

    def start(self) -> None:
        """Begin."""

    def finish(self) -> None:
        """Send no more, and wait until all that was sent is acknowledged."""


#: Makes the senders of a kind, not yet started.
Way = Callable[[PplProcess, Registered], Sequence[Acknowledged]]


def relp(ppl: PplProcess, who: Registered) -> Sequence[Acknowledged]:
    """Two senders as they are usually set up, and one whose windows make batches big enough for ``COPY``."""
    usual = [RelpSender(who, f"relp{number}", WINDOW, rate=1_000) for number in range(2)]
    return [*usual, RelpSender(who, "relp-wide", window=4_000, rate=15_000)]


def http(ppl: PplProcess, who: Registered) -> Sequence[Acknowledged]:
    """As :func:`relp`, but uploading to the drain, also what is recognised when it is sent again."""
    token = ppl.create_drain(who)
    usual = [DrainSender(ppl.drain_port, token, f"http{number}", WINDOW, rate=1_000) for number in range(2)]
    known: list[Acknowledged] = [FrameSender(ppl.drain_port, token, "frames", WINDOW, rate=1_000)]
    known += [FrameSender(ppl.drain_port, token, "frames-wide", 4_000, rate=3_000)]
    known += [DocumentSender(ppl.drain_port, token, "documents", 2_500, rate=3_000)]
    return [*usual, *known, DrainSender(ppl.drain_port, token, "http-wide", 4_000, rate=9_000)]


@contextmanager
def load(senders: Sequence[Acknowledged]) -> Iterator[Sequence[Acknowledged]]:
    """Run ``senders``; at the end waits until everything is acknowledged."""
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.finish()


def progress(senders: Sequence[Acknowledged]) -> None:
    """Wait until every sender has made progress."""
    before = [sender.acknowledged for sender in senders]

    def all_got_on() -> bool:
        each = zip(senders, before, strict=True)
        return all(sender.acknowledged >= was + BETWEEN or sender.error for sender, was in each)

    eventually(all_got_on, "progress of every sender", 60)


def under_load(ppl: PplProcess, way: Way, faults: Sequence[Callable[[], object]], measured: Measured) -> None:
    """Let ``faults`` happen one after the other under load, and count what was lost and doubled."""
    who = ppl.register()
    with load(way(ppl, who)) as senders:
        for fault in faults:
            progress(senders)
            fault()
        progress(senders)
    for sender, found in zip(senders, tallies(ppl, who, senders, measured), strict=True):
        assert found.lost == 0, "what is acknowledged is stored"
        assert found.doubled <= sender.most_doubled, "only what was sent twice is stored twice"
        assert found.doubled <= len(faults) * sender.window, "at most a window for each fault"
        assert found.in_order
    assert "Traceback" not in ppl.text()
