"""This Ppl beside the one in another working tree, in turns: a change must not cost what nobody asked for.

Run ``python -m benchmarks.before PATH`` from the project's root; ``PATH`` is a working tree of the commit before (``git
worktree add PATH COMMIT``), and both run with this Python. Each round starts both on a new database, in alternating
order, and measures the start, the resident memory when idle and after the work, microseconds a durable line of one
sender and of eight, the same for mixed lines (:mod:`benchmarks.vendors`), and the milliseconds to a viewer. Then both
keep the same history and answer the same questions in turns. The ratios are of the medians; more than 1 is worse.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import urllib.request
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from benchmarks.history import make_history
from benchmarks.ingest import ingest, lines, shares_of, until_ppl_stored
from benchmarks.running import percentile, resident, running_ppl, spread, verdict
from benchmarks.stopwatch import latency
from benchmarks.vendors import mixed_lines
from tests.fixtures.database import as_administrator, execute
from tests.fixtures.running import PplProcess, Registered

#: How much worse a figure may be, as a ratio; and where other bars are set: lines that are all alike may cost a
#: fiftieth more, and mixed lines must cost a sixth less than before their forms were understood (issue 14).
BAR = 1.05
BARS = {"µs a line, 1 sender(s)": 1 / 0.98, "µs a line, 8 sender(s)": 1 / 0.98, "µs a mixed line": 1 / 1.2}

_RATE, _SECONDS = 1000, 8

#: A hundred request ids of the history; each is in one of its lines.
_WORDS = (
    "SELECT substring(message FROM 'request_id=([0-9a-f]+)') FROM event"
    " WHERE destination_id = {searcher} ORDER BY id % 9973, id LIMIT 100"
)

Figures = dict[str, dict[str, list[float]]]
"""Figure → name of the tree → its values."""


def in_tree(tree: Path) -> dict[str, str]:
    """The environment in which Ppl runs from ``tree``."""
    return {"PYTHONPATH": os.pathsep.join([str(tree), str(tree / "src")])}


def microseconds_a_line(ppl: PplProcess, who: Registered, shares: list[bytes]) -> float:
    """How long a durable line takes when a sender for each of ``shares`` sends them together."""
    execute(as_administrator(ppl.dsn, "ppl"), "TRUNCATE event, event_count")
    execute(as_administrator(ppl.dsn, "ppl"), "CHECKPOINT")
    count = sum(share.count(b"\n") for share in shares)
    return 1e6 / ingest(who.port, shares, count, lambda: until_ppl_stored(ppl.dsn, count))


def settled(ppl: PplProcess, who: Registered, shares: list[bytes]) -> list[float]:
    """Two values of :func:`microseconds_a_line`, after a first one that fills caches and makes the memory grow."""
    return [microseconds_a_line(ppl, who, shares) for _ in range(3)][1:]


def measure(name: str, tree: Path, count: int, figures: Figures) -> None:
    """Add the figures of one run of the Ppl in ``tree``; ``count`` lines are sent for each rate."""
    with running_ppl(**in_tree(tree)) as (ppl, who):
        ppl.stop()
        start = time.monotonic()
        ppl.start()
        figures["start, s"][name].append(time.monotonic() - start)
        time.sleep(2)
        figures["idle, MB"][name].append(resident(ppl.pid))
        taken = latency(ppl, who, _RATE, _SECONDS)
        figures["to a viewer, p99, ms"][name].append(percentile(taken, 99))
        for senders in (1, 8):
            data = lines(count // senders * senders)
            shares = shares_of(data, count // senders * senders, senders)
            figures[f"µs a line, {senders} sender(s)"][name] += settled(ppl, who, shares)
        figures["µs a mixed line"][name] += settled(ppl, who, [mixed_lines(count)])
        figures["after the work, MB"][name].append(resident(ppl.pid))


def search(trees: dict[str, Path], events: int, rounds: int, figures: Figures) -> None:
    """Have both answer the same questions over HTTP in turns, each over ``events`` lines in five slots."""
    with ExitStack() as stack:
        ready = {}
        for name, tree in trees.items():
            ppl, who = stack.enter_context(running_ppl(**in_tree(tree)))
            ((searcher,),) = ppl.rows("SELECT id FROM destination WHERE port = %s", who.port)
            history = make_history(ppl.dsn, searcher, events, 5)
            words = [word for (word,) in history.rows(_WORDS)]
            ready[name] = (ppl, who, words)
        for round_ in range(rounds):
            for name in list(ready) if round_ % 2 else list(reversed(ready)):
                ppl, who, words = ready[name]
                for kind, path in (
                    ("a page", "/api/events"),
                    ("a word, once", f"/api/events?q={words[round_ % len(words)]}"),
                    ("a frequent word", "/api/events?q=GET"),
                    ("a histogram", "/api/histogram"),
                ):
                    request = urllib.request.Request(ppl.url + path, headers={"Cookie": who.cookie_header})
                    start = time.monotonic()
                    urllib.request.urlopen(request, timeout=60).read()
                    figures[f"{kind}, ms"][name].append((time.monotonic() - start) * 1000)


def main() -> None:
    """Parse the arguments, measure both in turns, print each figure and the ratio of its medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path, metavar="PATH", help="the working tree of the commit before")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--events", type=int, default=1_000_000, help="lines of the history that is searched")
    parser.add_argument("--questions", type=int, default=60, help="how often each question is asked")
    arguments = parser.parse_args()
    trees = {"before": arguments.tree.resolve(), "now": Path(__file__).resolve().parent.parent}
    figures: Figures = defaultdict(lambda: defaultdict(list))
    for round_ in range(arguments.rounds):
        for name in list(trees) if round_ % 2 else list(reversed(trees)):
            measure(name, trees[name], arguments.lines, figures)
        print(f"round {round_ + 1} of {arguments.rounds}", flush=True)
    search(trees, arguments.events, arguments.questions, figures)
    for figure, values in figures.items():
        ratio = statistics.median(values["now"]) / statistics.median(values["before"])
        before, now = (spread(values[name], "{:,.2f}") for name in trees)
        print(f"{figure}: {now}, before {before}; ratio {ratio:.2f}; {verdict(ratio, BARS.get(figure, BAR), 'times')}")


if __name__ == "__main__":
    main()
