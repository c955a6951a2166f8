"""Python's own SysLogHandler over TCP, as it is: it ends messages with NUL, and keeps its connection open."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from logging.handlers import SysLogHandler

import pytest

from tests.fixtures.running import PplProcess
from tests.fixtures.watching import Viewer

pytestmark = pytest.mark.peer


@contextmanager
def handled(port: int, form: str | None = None, append_nul: bool = True) -> Iterator[logging.Logger]:
    """A logger to ``port`` whose connection is open until the end."""
    handler = SysLogHandler(("127.0.0.1", port), socktype=socket.SOCK_STREAM)
    handler.append_nul = append_nul
    handler.setFormatter(logging.Formatter(form))
    logger = logging.Logger("myapp")
    logger.addHandler(handler)
    try:
        yield logger
    finally:
        handler.close()


def fail(logger: logging.Logger) -> None:
    try:
        raise RuntimeError("no luck")
    except RuntimeError:
        logger.exception("it failed")


def test_each_record_is_an_event_while_the_connection_is_open(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    with Viewer(module_ppl.url, who) as viewer, handled(who.port) as logger:
        viewer.identify(batch=True)
        logger.warning("first")
        logger.error("second")
        logger.info("third")
        seen = viewer.live(3)
        assert [(event["message"], event["severity"]) for event in seen] == [
            ("first", "warning"),
            ("second", "err"),
            ("third", "info"),
        ]
        logger.error("fourth")
        assert [event["message"] for event in viewer.live(1)] == ["fourth"]
    assert module_ppl.messages(who.port) == ["first", "second", "third", "fourth"]


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("after", [0, 1])
def test_a_traceback_is_one_event(module_ppl: PplProcess, before: int, after: int) -> None:
    who = module_ppl.register()
    with Viewer(module_ppl.url, who) as viewer, handled(who.port) as logger:
        viewer.identify(batch=True)
        for _ in range(before):
            logger.info("before")
        fail(logger)
        for _ in range(after):
            logger.info("after")
        seen = [event["message"] for event in viewer.live(before + 1 + after)]
    assert seen[:before] == ["before"] * before
    assert seen[before].startswith("it failed\nTraceback (most recent call last):\n")
    assert seen[before].endswith("\nRuntimeError: no luck")
    assert seen[before + 1 :] == ["after"] * after


def test_a_handler_that_ends_records_with_nothing_is_read_too(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    form = "%(asctime)s web-1 myapp: %(message)s"
    with Viewer(module_ppl.url, who) as viewer, handled(who.port, form, append_nul=False) as logger:
        viewer.identify(batch=True)
        logger.handlers[0].setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
        for text in ("first", "second", "third"):
            logger.warning(text)
        assert [event["message"] for event in viewer.live(3)] == ["first", "second", "third"]
