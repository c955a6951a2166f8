"""Real clients while the database is away for a moment, or Ppl is down: what each is told makes it wait or send again.

Several of them lose a line that is refused once. Ppl waits with its answer instead.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fixtures.database import as_administrator, execute
from tests.fixtures.programs import end, in_background, program, syslog_ng
from tests.fixtures.running import PplProcess, eventually
from tests.peers.pushing import node_packages, stored
from tests.peers.test_gelf_senders import HANDLERS, RECORDS
from tests.peers.test_hec_senders import SPLUNK_HANDLER
from tests.peers.test_loki_senders import PINO
from tests.peers.test_otlp_senders import PYTHON

pytestmark = [pytest.mark.peer, pytest.mark.long]

LOKI = """
import logging, logging_loki
address = "URL/loki/api/v1/push"
handler = logging_loki.LokiHandler(url=address, auth=("loki", "TOKEN"), tags={"app": "shop"}, version="1")
log = logging.getLogger("cart")
log.addHandler(handler)
log.error("it broke: ✓")
"""
ELASTICSEARCH = """
from elasticsearch import Elasticsearch, helpers
client = Elasticsearch("URL", api_key="TOKEN")
print(helpers.bulk(client, [{"_index": "logs", "message": "it broke: ✓"}]))
"""
#: Scripts, and how many events each is.
SCRIPTS = {
    "python-logging-loki": (LOKI, 1),
    "opentelemetry": (PYTHON.replace("PACKED", "gzip"), 3),
    "splunk-handler": (SPLUNK_HANDLER, 2),
    "elasticsearch": (ELASTICSEARCH, 1),
    "graypy over HTTP": (HANDLERS["graypy over HTTP"].replace("SITE", '"SITE"') + RECORDS, 3),
}
#: Seconds after a client has connected; less than any of them waits for an answer, and than Ppl lets one wait.
AWAY_SECONDS = 1.5


@contextmanager
def no_database(ppl: PplProcess) -> Iterator[None]:
    """The database of ``ppl`` takes no connections, and has ended those that there were."""
    name = ppl.dsn.partition("dbname=")[2].split()[0].strip("'")
    administrator = as_administrator(ppl.dsn)
    execute(administrator, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    execute(administrator, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
    try:
        yield
    finally:
        execute(administrator, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def _has_client(ppl: PplProcess) -> bool:
    """Whether anybody is connected to the site (proc_net_tcp(5))."""
    lines = Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]
    return any(line.split()[1].endswith(f":{ppl.http_port:04X}") and line.split()[3] == "01" for line in lines)


def started(command: list[str], directory: Path | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory)


def said_of(process: subprocess.Popen[str]) -> str:
    """What a client said, once it has ended."""
    try:
        return process.communicate(timeout=60)[0]
    finally:
        end(process)


@pytest.mark.parametrize("name", SCRIPTS)
def test_clients_of_python_lose_nothing_while_the_database_is_away(ppl_process: PplProcess, name: str) -> None:
    who = ppl_process.register()
    script, count = SCRIPTS[name]
    script = script.replace('"SITE"', str(ppl_process.http_port)).replace("TOKEN", ppl_process.create_drain(who))
    script = script.replace("URL", ppl_process.url)
    with no_database(ppl_process):
        client = started([sys.executable, "-c", script])
        if "graypy" in name:
            # It waits for no answer: it has gone when the database comes back.
            client.wait(40)
        else:
            eventually(lambda: _has_client(ppl_process), "a client", 40)
            threading.Event().wait(AWAY_SECONDS)
    said = said_of(client)
    assert "Traceback (most" not in said, said
    assert any("it broke: ✓" in str(each["message"]) for each in stored(ppl_process, who, count))


def test_pino_loki_loses_nothing_while_the_database_is_away(ppl_process: PplProcess) -> None:
    directory = node_packages("pino@10.4.0", "pino-loki@3.0.0")
    who = ppl_process.register()
    script = directory / "waiting.cjs"
    code = PINO.replace("TOKEN", ppl_process.create_drain(who)).replace("URL", ppl_process.url)
    script.write_text(code.replace("2500", "8000"))
    with no_database(ppl_process):
        client = started([program("node"), str(script)], directory)
        eventually(lambda: _has_client(ppl_process), "a client", 40)
        threading.Event().wait(AWAY_SECONDS)
    said = said_of(client)
    assert sorted("it broke: ✓" in str(each["message"]) for each in stored(ppl_process, who, 2)) == [False, True], said


SYSLOG_NG = {
    "lines": 'url("SITE/logs/TOKEN") body("$MSG")',
    "HEC": 'url("SITE/services/collector/event") headers("Authorization: Splunk TOKEN")'
    ' body("$(format-json time=$S_UNIXTIME host=$HOST event=$MSG)")',
    "Loki": 'url("SITE/logs/TOKEN/loki/api/v1/push") headers("Content-Type: application/json")'
    ' body(\'{"streams": [{"stream": {"app": "$PROGRAM"}, "values": [["${S_UNIXTIME}000000000", "$MSG"]]}]}\')',
    "Elasticsearch": 'url("SITE/_bulk") user("x") password("TOKEN") headers("Content-Type: application/x-ndjson")'
    ' body("{\\"index\\":{}}\\n$(format-json --scope rfc5424)\\n")',
    "OpenTelemetry": 'url("SITE/v1/logs") user("x") password("TOKEN") headers("Content-Type: application/json")'
    ' body(\'{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "$MSG"}}]}]}]}\')',
}


@pytest.mark.parametrize("protocol", SYSLOG_NG)
def test_syslog_ng_sends_again_what_ppl_could_not_take(
    ppl_process: PplProcess, short_directory: Path, protocol: str
) -> None:
    who = ppl_process.register()
    file = short_directory / "in.log"
    file.touch()
    destination = SYSLOG_NG[protocol].replace("TOKEN", ppl_process.create_drain(who)).replace("SITE", ppl_process.url)
    rest = (
        f"destination d_ppl {{ http({destination} retries(100)); }};\n"
        "options { time-reopen(1); };\nlog { source(s_src); destination(d_ppl); };"
    )
    source = f'file("{file}" follow-freq(0.1) flags(syslog-protocol) keep-hostname(yes))'
    texts = [f"line {number}" for number in range(6)]

    def write(some: list[str]) -> None:
        with file.open("a") as log:
            log.write("".join(f"<11>1 2026-11-24T10:00:00Z web1 shop 7 - - {each}\n" for each in some))

    with in_background(syslog_ng(short_directory, source, rest)):
        write(texts[:2])
        eventually(lambda: ppl_process.messages(who.port) == texts[:2], "the first lines", 40)
        ppl_process.stop()
        write(texts[2:4])
        threading.Event().wait(AWAY_SECONDS)
        ppl_process.start()
        eventually(lambda: ppl_process.messages(who.port) == texts[:4], "the lines written meanwhile", 40)
        with no_database(ppl_process):
            write(texts[4:])
            threading.Event().wait(AWAY_SECONDS)
        eventually(lambda: ppl_process.messages(who.port) == texts, "the last lines", 40)
