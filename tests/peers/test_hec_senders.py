"""Splunk's clients of PyPI and npm, sending to Ppl as they are."""

from __future__ import annotations

import pytest

from tests.fixtures.running import PplProcess
from tests.peers.pushing import node_packages, run_node, run_python, stored

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

SPLUNK_HANDLER = """
import logging
from splunk_handler import SplunkHandler
host, _, port = "URL".removeprefix("http://").partition(":")
handler = SplunkHandler(host=host, port=port, token="TOKEN", index="main", hostname="web1", source="shop",
    sourcetype="text", verify=False, protocol="http", flush_interval=1)
log = logging.getLogger("cart")
log.addHandler(handler)
log.error("it broke: ✓")
log.warning("and again")
logging.shutdown()
"""
HEC_HANDLER = """
import logging
from splunk_hec_handler import SplunkHecHandler
host, _, port = "URL".removeprefix("http://").partition(":")
handler = SplunkHecHandler(host, "TOKEN", port=int(port), proto="http", ssl_verify=False, source="shop",
    sourcetype="_json", endpoint="ENDPOINT")
log = logging.getLogger("cart")
log.addHandler(handler)
log.error("it broke: ✓")
log.warning("and again")
"""
SPLUNK_LOGGING = """
const { Logger } = require("splunk-logging");
const log = new Logger({ token: "TOKEN", url: "URL", maxBatchCount: 1 });
log.error = (error) => { console.log("error", error); };
log.send({ message: "it broke: ✓", severity: "error", metadata: { source: "shop", host: "web1" } }, () =>
    log.send({ message: "and again", severity: "warning", metadata: { source: "shop", host: "web1" } },
        (error, response, body) => console.log(JSON.stringify(body))));
"""
BUNYAN = """
const stream = require("splunk-bunyan-logger").createStream({ token: "TOKEN", url: "URL" });
stream.on("error", (error) => { console.log("error", error); });
const log = require("bunyan").createLogger({ name: "shop", streams: [stream] });
log.error({ user: 7 }, "it broke: ✓");
log.warn("and again");
"""
WINSTON = """
const Splunk = require("winston-splunk-httplogger");
const log = require("winston").createLogger({ transports: [new Splunk({ splunk: { token: "TOKEN", url: "URL",
    source: "shop" } })] });
log.on("error", (error) => { console.log("error", error); });
log.error("it broke: ✓", { user: 7 });
log.warn("and again");
"""


def test_splunk_handler(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    assert "Traceback" not in run_python(SPLUNK_HANDLER, module_ppl, module_ppl.create_drain(who))
    events = stored(module_ppl, who, 2)
    assert [each["message"] for each in events] == ["it broke: ✓", "and again"]
    assert [(each["hostname"], each["file_name"]) for each in events] == [("web1", "shop")] * 2
    assert events[0]["structured_data"]["sourcetype"] == "text"


@pytest.mark.parametrize("endpoint", ["event", "raw"])
def test_splunk_hec_handler(module_ppl: PplProcess, endpoint: str) -> None:
    who = module_ppl.register()
    run_python(HEC_HANDLER.replace("ENDPOINT", endpoint), module_ppl, module_ppl.create_drain(who))
    events = stored(module_ppl, who, 2)
    assert [(each["message"], each["severity"]) for each in events] == [("it broke: ✓", 3), ("and again", 4)]


def test_splunk_logging(module_ppl: PplProcess) -> None:
    packages = node_packages("splunk-logging@0.11.1")
    who = module_ppl.register()
    said = run_node(SPLUNK_LOGGING, packages, module_ppl, module_ppl.create_drain(who))
    assert '"Success"' in said
    assert "error" not in said
    events = stored(module_ppl, who, 2)
    assert [(each["message"], each["severity"]) for each in events] == [("it broke: ✓", 3), ("and again", 4)]
    assert {(each["hostname"], each["file_name"]) for each in events} == {("web1", "shop")}


@pytest.mark.parametrize(
    ("packages", "script"),
    [
        (("bunyan@1.8.15", "splunk-bunyan-logger@0.11.0"), BUNYAN),
        (("winston@3.19.0", "winston-splunk-httplogger@3.1.8"), WINSTON),
    ],
    ids=["bunyan", "winston"],
)
def test_records_within_messages(module_ppl: PplProcess, packages: tuple[str, ...], script: str) -> None:
    directory = node_packages(*packages)
    who = module_ppl.register()
    assert "error" not in run_node(script, directory, module_ppl, module_ppl.create_drain(who))
    events = sorted(stored(module_ppl, who, 2), key=lambda each: int(each["severity"]))
    assert [(each["message"], each["severity"]) for each in events] == [("it broke: ✓", 3), ("and again", 4)]
    assert {each["file_name"] for each in events} == {"shop"}
