"""What the viewer page costs a browser while lines come in: frames, long tasks, main-thread time and heap.

Run ``python -m benchmarks.viewer`` from the project's root; it needs Chromium (Debian: ``chromium``). A headless
Chromium shows the page of a running Ppl with some thousand lines of history, while lines come in at each of ``--rates``
in turn. ``--against PATH`` measures another working tree of Ppl in turns with this one. ``--heap-seconds 600`` follows
the heap over ten minutes at 1,000 lines a second, measured after a garbage collection each time. ``--columns
level,event,user.id,rt`` measures the page once more with these columns beside the lines.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from playwright.sync_api import Page, sync_playwright

from benchmarks.running import running_ppl, spread, verdict
from tests.browser.conftest import ARGUMENTS
from tests.fixtures.running import Registered, eventually

_HISTORY = 5_000
_CONTEXT_MILLISECONDS = 150.0
_WRITES_A_SECOND = 50
_LINE = b"<%d>1 - web-%02d %s - - - %s\n"
_SAID = (
    (134, b"nginx", b'10.0.3.117 - - "GET /api/v2/orders/%d?page=4 HTTP/1.1" 200 2062 "-" "Mozilla/5.0" rt=0.122'),
    (131, b"app", b"request %d failed: connection to db-01:5432 timed out after 3000 ms, trying once more"),
    (134, b"worker", b'{"level":"info","event":"order.created","order_id":%d,"user":{"id":2302,"plan":"pro"}}'),
    (132, b"postgres", b"duration: %d.426 ms  statement: SELECT o.id, o.total FROM orders o JOIN users u ON true"),
)
_SHOWS_CONTEXT = """() => {
  window.shown = new Promise((done) => {
    addEventListener("keydown", () => {
      const began = performance.now();
      const look = () => {
        const isThere = document.querySelector("#context:not([hidden]) .row.anchor");
        if (isThere) requestAnimationFrame(() => done(performance.now() - began));
        else requestAnimationFrame(look);
      };
      look();
    }, {capture: true, once: true});
  });
}"""
_WATCH = """() => {
  const seen = window.seen = {frames: 0, tasks: [], isOn: true};
  const frame = () => { seen.frames += 1; if (seen.isOn) requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) seen.tasks.push(task.duration);
  }).observe({type: "longtask"});
}"""
_SEEN = "() => { window.seen.isOn = false; return window.seen; }"


@attrs.frozen
class Looked:
    """What one look at the page measured.

    Attributes:
        frames: frames a second.
        longest: ms of the longest task; 0 if none took over 50.
        long_tasks: tasks over 100 ms.
        busy: share of the time for which the main thread was busy.
        heap: MB, after a garbage collection.
        rows: rows in the list.
    """

    frames: float
    longest: float
    long_tasks: int
    busy: float
    heap: float
    rows: int


def lines(start: int, count: int) -> bytes:
    """``count`` lines of several kinds."""
    made = []
    for number in range(start, start + count):
        priority, name, said = _SAID[number % len(_SAID)]
        made.append(_LINE % (priority, number % 16, name, said % number))
    return b"".join(made)


def send(port: int, rate: int, seconds: float) -> None:
    """Send ``rate`` lines a second for ``seconds``, in fifty writes a second."""
    each = rate // _WRITES_A_SECOND
    with socket.create_connection(("127.0.0.1", port)) as connection:
        start = time.monotonic()
        for number in range(int(seconds * _WRITES_A_SECOND)):
            wait = start + number / _WRITES_A_SECOND - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            connection.sendall(lines(number * each, each))


@contextmanager
def page_of(tree: Path | None, browser: Any, columns: str = "") -> Iterator[tuple[Page, Registered]]:
    """The live viewer of this Ppl, or of the one in another working ``tree``, with some history and ``columns``."""
    environment = {}
    if tree is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(tree), str(tree / "src")])
    with running_ppl(**environment) as (ppl, who):
        ppl.send(who.port, lines(0, _HISTORY))
        eventually(lambda: ppl.count(who.port) == _HISTORY, "the history", 60)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": name, "value": value, "url": ppl.url} for name, value in who.cookies.items()])
        page = context.new_page()
        page.goto(f"{ppl.url}/?columns={columns}" if columns else ppl.url)
        eventually(lambda: page.locator("#log .row").count() > 0, "rows", 60)
        yield page, who
        context.close()


def look(page: Page, who: Registered, rate: int, seconds: int) -> Looked:
    """Measure the page for ``seconds`` while lines come in at ``rate``."""
    developer = page.context.new_cdp_session(page)
    developer.send("Performance.enable")
    page.evaluate(_WATCH)
    sender = threading.Thread(target=send, args=(who.port, rate, seconds))
    before, began = _busy(developer), time.monotonic()
    if rate:
        sender.start()
    page.wait_for_timeout(seconds * 1000)
    took, busy = time.monotonic() - began, _busy(developer) - before
    seen = page.evaluate(_SEEN)
    if rate:
        sender.join()
    return Looked(
        frames=seen["frames"] / took,
        longest=max(seen["tasks"], default=0.0),
        long_tasks=sum(1 for each in seen["tasks"] if each > 100),
        busy=busy / took,
        heap=heap(developer),
        rows=page.locator("#log .row").count(),
    )


def _busy(developer: Any) -> float:
    metrics = developer.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def heap(developer: Any) -> float:
    """MB of the heap that are in use after a garbage collection."""
    developer.send("HeapProfiler.collectGarbage")
    return float(developer.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def context(page: Page, times: int = 9) -> list[float]:
    """Milliseconds from the key to the frame that shows the lines around a line, each time of another line."""
    page.keyboard.press("g")
    taken = []
    for _ in range(times):
        page.keyboard.press("k")
        page.evaluate(_SHOWS_CONTEXT)
        page.keyboard.press("c")
        taken.append(float(page.evaluate("() => window.shown")))
        page.keyboard.press("Escape")
        page.locator("#context").wait_for(state="hidden")
    return taken


def follow_heap(page: Page, who: Registered, seconds: int) -> None:
    """Print the heap at each tenth of ``seconds`` while 1,000 lines a second come in."""
    developer = page.context.new_cdp_session(page)
    sender = threading.Thread(target=send, args=(who.port, 1_000, seconds))
    sender.start()
    taken = []
    for _ in range(10):
        page.wait_for_timeout(seconds * 100)
        taken.append(heap(developer))
    sender.join()
    print(f"heap at each tenth of {seconds} s: {' '.join(f'{each:.1f}' for each in taken)} MB", flush=True)
    print(verdict(max(taken), 30, "MB"))


def main() -> None:
    """Parse the arguments, measure the page, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[0, 2_000, 5_000])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--against", type=Path, metavar="PATH", help="another working tree of Ppl")
    parser.add_argument("--heap-seconds", type=int, default=0)
    parser.add_argument("--columns", default="", help="fields with commas between")
    arguments = parser.parse_args()
    cases: dict[str, tuple[Path | None, str]] = {"Ppl": (None, "")}
    if arguments.columns:
        cases["Ppl with columns"] = (None, arguments.columns)
    if arguments.against is not None:
        cases["the other Ppl"] = (arguments.against.resolve(), "")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        for _ in range(arguments.rounds):
            for name, (tree, columns) in cases.items():
                with page_of(tree, browser, columns) as (page, who):
                    for rate in arguments.rates:
                        looked = look(page, who, rate, arguments.seconds)
                        print(
                            f"{name}, {rate:,} lines/s: {looked.frames:.0f} frames/s, {looked.long_tasks} tasks over"
                            f" 100 ms (longest {looked.longest:.0f}), main thread {looked.busy:.1%} busy,"
                            f" heap {looked.heap:.1f} MB, {looked.rows:,} rows",
                            flush=True,
                        )
                    taken = sorted(context(page))
                    print(f"{name}, the context of a line: {spread(taken, '{:.0f}')} ms", end="; ")
                    print(verdict(taken[len(taken) // 2], _CONTEXT_MILLISECONDS, "ms"), flush=True)
        if arguments.heap_seconds:
            with page_of(None, browser) as (page, who):
                follow_heap(page, who, arguments.heap_seconds)
        browser.close()


if __name__ == "__main__":
    main()
