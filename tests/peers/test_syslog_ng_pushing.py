"""Real syslog-ng writes GELF, Elasticsearch's bulk requests and plain uploads with the destinations that it ships."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fixtures.programs import in_background, missing, syslog_ng
from tests.fixtures.running import PplProcess, eventually
from tests.peers.pushing import stored

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

#: In syslog's format, as it reads them.
LINES = (
    '<11>1 2026-11-24T10:00:00Z web1 shop 7 - [meta user="u1"] it broke: ✓',
    "<12>1 2026-11-24T10:00:01Z web1 shop 7 - - second",
    *(f"<14>1 2026-11-24T10:00:02Z web1 shop 7 - - line {number}" for number in range(300)),
)
TEXTS = [line.partition(" - ")[2].partition("] " if "]" in line else "- ")[2] for line in LINES]

DESTINATIONS = {
    "graylog2() over TCP": 'graylog2(host("127.0.0.1") port(PORT) transport(tcp))',
    "graylog2() over UDP": 'graylog2(host("127.0.0.1") port(PORT) transport(udp))',
    "graylog2() over TLS": 'graylog2(host("127.0.0.1") port(PORT) transport(tls) tls(ca-file("PEM")))',
    "format-gelf over HTTP": 'http(url("SITE/logs/TOKEN/gelf") body("$(format-gelf)"))',
    "elasticsearch-http()": 'elasticsearch-http(url("SITE/_bulk") index("logs") type("") user("syslog-ng")'
    ' password("TOKEN"))',
    "elasticsearch-http() with a type": 'elasticsearch-http(url("SITE/logs/events/_bulk") index("logs") type("events")'
    ' user("syslog-ng") password("TOKEN"))',
    "http() with lines": 'http(url("SITE/logs/TOKEN") batch-lines(50) body("<$PRI>1 $ISODATE $HOST $PROGRAM $PID - -'
    ' $MSG"))',
    "http() with JSON": 'http(url("SITE/logs/TOKEN") batch-lines(50) headers("Content-Type: application/json")'
    ' body("$(format-json --scope rfc5424)"))',
    "http() with an array": 'http(url("SITE/logs/TOKEN") batch-lines(50) headers("Content-Type: application/json")'
    ' delimiter(",") body-prefix("[") body-suffix("]") body("$(format-json --scope rfc5424)"))',
}


@pytest.mark.parametrize("name", DESTINATIONS)
def test_each_line_is_an_event(module_ppl: PplProcess, short_directory: Path, name: str) -> None:
    who = module_ppl.register()
    file = short_directory / "in.log"
    file.write_text("".join(f"{line}\n" for line in LINES), "utf-8")
    destination = DESTINATIONS[name].replace("TOKEN", module_ppl.create_drain(who)).replace("PORT", str(who.port))
    destination = destination.replace("SITE", module_ppl.url).replace("PEM", str(module_ppl.certificate))
    rest = f"{_included()}\ndestination d_ppl {{ {destination}; }};\nlog {{ source(s_src); destination(d_ppl); }};"
    source = f'file("{file}" follow-freq(0.1) flags(syslog-protocol) keep-hostname(yes))'
    with in_background(syslog_ng(short_directory, source, rest)):
        eventually(lambda: module_ppl.count(who.port) >= len(LINES), "the lines", 60)
    events = stored(module_ppl, who, len(LINES))
    # Over UDP and from several workers they may come in another order.
    assert sorted(str(each["message"]) for each in events) == sorted(TEXTS)
    assert {(each["hostname"], each["file_name"]) for each in events} == {("web1", "shop")}
    assert sorted(each["severity"] for each in events) == [3, 4, *[6] * 300]
    rows = module_ppl.rows(
        "SELECT event.created_at, procid FROM event JOIN destination d ON d.id = destination_id"
        " WHERE port = %s AND severity = 3",
        who.port,
    )
    ((created_at, procid),) = rows
    assert procid == "7"
    # Its GELF has the time at which syslog-ng has read the line.
    assert (created_at == 1_795_514_400_000_000) == ("gelf" not in name and "graylog" not in name)


def _included() -> str:
    """What of syslog-ng's own configuration library the destinations need."""
    library = Path(os.environ.get("PPL_TEST_SYSLOG_NG", "")) / "usr/share/syslog-ng/include/scl"
    plugins = [library / "graylog2/plugin.conf", library / "elasticsearch/elastic-http.conf"]
    modules = Path(os.environ.get("PPL_TEST_SYSLOG_NG", "")) / "usr/lib/syslog-ng"
    if not (all(each.exists() for each in plugins) and any(modules.rglob("libhttp.so"))):
        missing("syslog-ng with syslog-ng-scl and syslog-ng-mod-http")
    return "\n".join(f'@include "{each}"' for each in plugins)
