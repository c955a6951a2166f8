"""Loki's clients of PyPI and npm, pushing to Ppl as they are: each line is an event, and none of them complains."""

from __future__ import annotations

import json

import pytest

from tests.fixtures.running import PplProcess
from tests.peers.pushing import node_packages, run_node, run_python, stored

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

LOGGING_LOKI = """
import logging, logging_loki
handler = logging_loki.LokiHandler(url="URL/loki/api/v1/push", tags={"application": "my app", "n": 3},
    auth=("loki", "TOKEN")VERSION)
log = logging.getLogger("shop.cart")
log.addHandler(handler)
log.error("it broke: ✓")
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a traceback")
"""
LOKI_HANDLER = """
import logging
from loki_logger_handler.loki_logger_handler import LokiLoggerHandler
handler = LokiLoggerHandler(url="URL/logs/TOKEN/loki/api/v1/push", labels={"application": "my app"}, timeout=1,
    enable_structured_loki_metadata=True, loki_metadata={"trace": "abc"})
log = logging.getLogger("shop.cart")
log.setLevel(10)
log.addHandler(handler)
log.error("it broke: ✓")
log.warning("and again")
handler.flush() if hasattr(handler, "flush") else None
import time; time.sleep(2.5)
"""
WINSTON = """
const winston = require("winston"); const Loki = require("winston-loki");
const log = winston.createLogger({ transports: [new Loki({ host: "URL", basicAuth: "loki:TOKEN", json: JSON_,
    labels: { app: "my app" }, batching: false, replaceTimestamp: true, onConnectionError: (e) => console.log(e) })] });
log.error("it broke: ✓"); log.warn("and again");
setTimeout(() => process.exit(), 2500);
"""
PINO = """
const pino = require("pino");
const log = pino(pino.transport({ target: require.resolve("pino-loki"), options: { host: "URL", batching: false,
    basicAuth: { username: "loki", password: "TOKEN" }, labels: { application: "my app" } } }));
log.error("it broke: ✓"); log.warn("and again");
setTimeout(() => process.exit(), 2500);
"""


@pytest.mark.parametrize("version", ["", ', version="1"'])
def test_python_logging_loki(module_ppl: PplProcess, version: str) -> None:
    who = module_ppl.register()
    said = run_python(LOGGING_LOKI.replace("VERSION", version), module_ppl, module_ppl.create_drain(who))
    assert "Error" not in said, "it takes 204 for success, and nothing else"
    first, second = stored(module_ppl, who, 2)
    assert (first["message"], first["file_name"], first["severity"]) == ("it broke: ✓", "my app", 3)
    assert first["structured_data"]["logger"] == "shop.cart"
    assert "ZeroDivisionError: division by zero" in second["message"]


def test_loki_logger_handler(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    run_python(LOKI_HANDLER, module_ppl, module_ppl.create_drain(who))
    events = stored(module_ppl, who, 2)
    assert sorted((each["file_name"], each["severity"]) for each in events) == [("my app", 3), ("my app", 4)]
    assert any("it broke: ✓" in each["message"] for each in events)


@pytest.mark.parametrize("is_json", ["true", "false"])
def test_winston_loki(module_ppl: PplProcess, is_json: str) -> None:
    packages = node_packages("winston@3.19.0", "winston-loki@6.1.7")
    who = module_ppl.register()
    said = run_node(WINSTON.replace("JSON_", is_json), packages, module_ppl, module_ppl.create_drain(who))
    assert said == ""
    events = stored(module_ppl, who, 2)
    assert sorted((each["file_name"], each["severity"]) for each in events) == [("my app", 3), ("my app", 4)]
    assert any("it broke: ✓" in each["message"] for each in events)


def test_pino_loki(module_ppl: PplProcess) -> None:
    packages = node_packages("pino@10.4.0", "pino-loki@3.0.0")
    who = module_ppl.register()
    said = run_node(PINO, packages, module_ppl, module_ppl.create_drain(who))
    assert said == ""
    events = stored(module_ppl, who, 2)
    found = sorted((each["severity"], each["file_name"], json.loads(each["message"])["msg"]) for each in events)
    assert found == [(3, "my app", "it broke: ✓"), (4, "my app", "and again")]
