"""The clients of a run: destinations, their senders and viewers, chosen by a seed."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import attrs
import pytest

from tests.faults.chaos import viewers as viewing
from tests.faults.chaos.checking import judge_sender, judge_viewer, stored
from tests.faults.chaos.senders import FLOODS, QUIET, USUAL, Maker, Sender
from tests.faults.chaos.settling import GETS_ON_WITHIN, Ending, Settling
from tests.faults.chaos.viewers import Watching
from tests.fixtures.running import PplProcess, Registered

#: Seconds between two messages about what a run waits for.
TELLS_AFTER = 5.0

#: First word of the last line of each destination.
END_NAME = "end"

Kinds = Sequence[str]
_MAKERS: dict[str, Maker] = {**FLOODS, **QUIET, **USUAL}


@attrs.define
class Destination:
    """One client.

    Attributes:
        who: its account.
        senders: its senders.
        watching: the viewer that sees all its lines.
        others: its further viewers.
    """

    who: Registered
    senders: list[Sender]
    watching: Watching
    others: list[Watching]

    @property
    def viewers(self) -> list[Watching]:
        """All viewers of this client."""
        return [self.watching, *self.others]


def cast(rng: random.Random, most: int) -> list[tuple[Kinds, Kinds]]:
    """Kinds of senders and of further viewers for each of 3 to ``most`` destinations.

    There is always a flood, a quiet client and a client whose lines are acknowledged.
    """
    senders: list[list[str]] = [["flood"], [rng.choice(list(QUIET))], [rng.choice(("relp", "http", "relptls"))]]
    if rng.random() < 0.5:
        senders.append(["relpflood"])
    count = rng.randint(3, most)
    while len(senders) < count:
        senders.append(rng.sample([*USUAL, *QUIET], rng.choice((1, 1, 2))))
    rng.shuffle(senders)
    # Further viewers for eight destinations at most, to spare the machine.
    return [(each, _further(rng, each) if number < 8 else []) for number, each in enumerate(senders)]


def _further(rng: random.Random, senders: Kinds) -> Kinds:
    kinds = ["query", "Pausing", "Paging", "Slow"]
    if not FLOODS.keys() & set(senders):
        # Such a viewer gets a frame for each event.
        kinds.append("Founding")
    return rng.sample(kinds, rng.choice((0, 1, 1, 2)))


class Scene:
    """All senders and viewers of a run.

    Args:
        ppl: the running Ppl.
        rng: decides rates and lengths of stays.

    Attributes:
        destinations: the clients; their number may grow.
        accounts: their accounts.
        tokens: drain tokens of some of them.
    """

    def __init__(self, ppl: PplProcess, rng: random.Random) -> None:
        self.destinations: list[Destination] = []
        self.accounts: list[Registered] = []
        self.tokens: list[str] = []
        self._ppl, self._rng = ppl, rng

    @property
    def senders(self) -> list[Sender]:
        """The senders of all clients."""
        return [sender for destination in self.destinations for sender in destination.senders]

    @property
    def viewers(self) -> list[Watching]:
        """The viewers of all clients."""
        return [viewer for destination in self.destinations for viewer in destination.viewers]

    @property
    def parts(self) -> list[Sender | Watching]:
        """All senders and viewers."""
        return [*self.senders, *self.viewers]

    def enter(self, senders: Kinds, others: Kinds) -> None:
        """Register a client, whose senders and viewers start at once."""
        who = self._ppl.register()
        number = len(self.destinations)
        made = [_MAKERS[kind](self._ppl, who, f"d{number}{kind}", self._own()) for kind in senders]
        names = [sender.name for sender in made]
        watching = Watching(self._ppl.url, who, names, self._own())
        destination = Destination(who, made, watching, [self._viewer(kind, who, names) for kind in others])
        self.accounts.append(who)
        if not self.tokens:
            self.tokens.append(self._ppl.create_drain(who))
        self.destinations.append(destination)
        parts: list[Sender | Watching] = [*destination.viewers, *made]
        for each in parts:
            each.start()

    def _viewer(self, kind: str, who: Registered, names: list[str]) -> Watching:
        if kind == "query":
            return Watching(self._ppl.url, who, names[:1], self._own(), names[0])
        made: Watching = getattr(viewing, kind)(self._ppl.url, who, names, self._own())
        return made

    def _own(self) -> random.Random:
        return random.Random(self._rng.random())

    def settle(self, after: str) -> float:
        """Wait until every sender and viewer has recovered; returns how long it took, fails the test if too long."""
        return self._wait(Settling(self.senders, self.viewers), after)

    def _wait(self, until: Settling | Ending, after: str) -> float:
        tells_at = TELLS_AFTER
        while late := until.late():
            self._check()
            why = f"{until.lasts:.0f} s after {after}: {'; '.join(each.why for each in late)}"
            if any(each.stands > GETS_ON_WITHIN for each in late):
                pytest.fail(f"{why}; log:\n{self._ppl.text()[-3000:]}", pytrace=False)
            if until.lasts > tells_at:
                tells_at += TELLS_AFTER
                print(f"           {why[:500]}")
            time.sleep(0.05)
        return until.lasts

    def _check(self) -> None:
        for each in self.parts:
            if each.error is not None:
                raise AssertionError(f"{each.name} failed: {each.error}") from each.error

    def finish(self) -> None:
        """Let all senders and viewers end in order, once they have sent and seen everything."""
        for sender in self.senders:
            sender.finish()
        for destination in self.destinations:
            self._ppl.send(destination.who.port, f"<13>1 - h app - - - {END_NAME} 0\n".encode())
        watching = [destination.watching for destination in self.destinations]
        self._wait(Ending(watching, lambda viewer: END_NAME in viewer.newest), "the last line")
        for destination in self.destinations:
            for viewer in destination.viewers:
                viewer.end_at(self._last_id(destination, viewer.query))
        self._wait(Ending(self.viewers, lambda viewer: not viewer.is_alive()), "the end")
        self._check()

    def _last_id(self, destination: Destination, query: str) -> int:
        sql = (
            "SELECT max(event.id) FROM event JOIN destination ON destination.id = destination_id"
            " WHERE port = %s AND strpos(message, %s) > 0"
        )
        ((last,),) = self._ppl.rows(sql, destination.who.port, query)
        return int(last)

    def judge(self, restarts: int) -> list[str]:
        """The promises that were broken."""
        wrong = []
        for destination in self.destinations:
            found = stored(self._ppl, destination.who)
            for sender in destination.senders:
                wrong += judge_sender(sender, found, restarts)
            for viewer in destination.viewers:
                those = stored(self._ppl, destination.who, viewer.query) if viewer.query else found
                wrong += judge_viewer(viewer, those)
        return wrong

    def give_up(self) -> None:
        """End all senders and viewers after a failure."""
        for each in self.parts:
            each.give_up()
