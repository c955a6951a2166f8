"""GELF's clients of PyPI and npm, sending to Ppl as they are: each record is an event, and right."""

from __future__ import annotations

import pytest

from tests.fixtures.running import PplProcess
from tests.peers.pushing import node_packages, run_node, run_python, stored

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

RECORDS = """
import logging
log = logging.getLogger("cart")
log.setLevel(logging.DEBUG)
log.addHandler(handler)
log.error("it broke: ✓", extra={"user": 7})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a traceback")
log.warning("long %s", "".join(chr(0x4E00 + number * 7 % 20000) for number in range(3000)))
handler.close()
"""
HANDLERS = {
    "graypy over UDP": "import graypy\nhandler = graypy.GELFUDPHandler('127.0.0.1', PORT)",
    "graypy over UDP, not compressed": "import graypy\n"
    "handler = graypy.GELFUDPHandler('127.0.0.1', PORT, compress=False,"
    " gelf_chunker=graypy.handler.GELFWarningChunker(300))",
    "graypy over TCP": "import graypy\nhandler = graypy.GELFTCPHandler('127.0.0.1', PORT)",
    "graypy over HTTP": "import graypy\nhandler = graypy.GELFHTTPHandler('127.0.0.1', SITE, path='/logs/TOKEN/gelf')",
    "pygelf over UDP": "import pygelf\n"
    "handler = pygelf.GelfUdpHandler(host='127.0.0.1', port=PORT, debug=True, include_extra_fields=True)",
    "pygelf over TCP": "import pygelf\n"
    "handler = pygelf.GelfTcpHandler(host='127.0.0.1', port=PORT, debug=True, include_extra_fields=True)",
    "pygelf over TLS": "import pygelf\nhandler = pygelf.GelfTlsHandler(host='127.0.0.1', port=PORT, debug=True,"
    " include_extra_fields=True, validate=True, ca_certs='PEM')",
    "pygelf over HTTP": "import pygelf\nhandler = pygelf.GelfHttpHandler(host='127.0.0.1', port=SITE,"
    " path='/logs/TOKEN/gelf', debug=True, include_extra_fields=True)",
    "djehouty over TCP": "from djehouty.libgelf.handlers import GELFTCPSocketHandler\n"
    "handler = GELFTCPSocketHandler('127.0.0.1', PORT)",
    "djehouty over TCP, with NUL": "from djehouty.libgelf.handlers import GELFTCPSocketHandler\n"
    "handler = GELFTCPSocketHandler('127.0.0.1', PORT, null_character=True)",
}
GELF_PRO = """
const log = require("gelf-pro");
log.setConfig({ fields: { facility: "cart" }, adapterName: "ADAPTER",
    adapterOptions: { host: "127.0.0.1", port: PORT } });
log.error("it broke: ✓", { user: 7 }, () => {
    log.error(new Error("a traceback"), () => {
        let text = "";
        for (let number = 0; number < 3000; number += 1) text += String.fromCharCode(0x4e00 + number * 7 % 20000);
        log.warning("long " + text, () => setTimeout(() => process.exit(), 300));
    });
});
"""


@pytest.mark.parametrize("name", HANDLERS)
def test_each_record_of_python_is_an_event(module_ppl: PplProcess, name: str) -> None:
    who = module_ppl.register()
    code = HANDLERS[name].replace("PORT", str(who.port)).replace("SITE", str(module_ppl.http_port))
    code = code.replace("PEM", str(module_ppl.certificate)) + RECORDS
    run_python(code, module_ppl, module_ppl.create_drain(who))
    _check(module_ppl, who, name)


@pytest.mark.parametrize("adapter", ["udp", "tcp"])
def test_each_record_of_gelf_pro_is_an_event(module_ppl: PplProcess, adapter: str) -> None:
    directory = node_packages("gelf-pro@1.4.0")
    who = module_ppl.register()
    script = GELF_PRO.replace("ADAPTER", adapter).replace("PORT", str(who.port))
    run_node(script, directory, module_ppl, "none")
    _check(module_ppl, who, "gelf-pro")


def _check(ppl: PplProcess, who: object, name: str) -> None:
    events = sorted(stored(ppl, who, 3), key=lambda each: str(each["message"]))  # type: ignore[arg-type]
    assert {each["file_name"] for each in events} == {"cart"}
    assert all(each["hostname"] for each in events)
    traceback, broken, long = events
    assert (broken["message"], broken["severity"]) == ("it broke: ✓", 3)
    assert broken["structured_data"]["user"] in (7, "7")
    assert (long["message"][:5], len(long["message"]), long["severity"]) == ("long ", 3005, 4)
    assert traceback["message"].startswith("a traceback")
    # djehouty keeps it among its fields.
    lines = str(traceback["structured_data"]) if "djehouty" in name else traceback["message"]
    assert "ZeroDivisionError" in lines or "Error: a traceback" in lines
