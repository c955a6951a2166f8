"""syslog-ng's ``loggen`` at speed: every sequence number of every connection arrives, in order."""

from __future__ import annotations

import re
import subprocess
from collections import defaultdict

import pytest

from tests.fixtures.programs import loggen
from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer

pytestmark = pytest.mark.peer


TCP, TLS = ["--inet", "--stream"], ["--use-ssl"]


@pytest.mark.parametrize(
    ("arguments", "connections"),
    [
        (TCP, 1),
        ([*TCP, "--syslog-proto"], 1),
        ([*TCP, "--syslog-proto", "--no-framing"], 1),
        (TCP, 4),
        ([*TLS, "--syslog-proto"], 1),
        (TLS, 4),
    ],
    ids=[
        "rfc3164",
        "rfc5424-octet-counted",
        "rfc5424-newline",
        "four-connections",
        "tls-octet-counted",
        "four-tls-connections",
    ],
)
def test_every_number_of_loggen_arrives_in_order(
    module_ppl: PplProcess, arguments: list[str], connections: int
) -> None:
    who = module_ppl.register()
    count = 2000
    path, environment = loggen()
    command = [
        path, "--quiet", "--rate", "20000", "--number", str(count), "--interval", "60",
        "--size", "300", "--active-connections", str(connections), *arguments, "127.0.0.1", str(who.port),
    ]  # fmt: skip
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify(batch=True)
        subprocess.run(command, env=environment, check=True, timeout=60, capture_output=True)
        seen = viewer.live(count * connections)
    eventually(lambda: module_ppl.count(who.port) == count * connections, "every row")
    for texts in (module_ppl.messages(who.port), [event["message"] for event in seen]):
        numbers = defaultdict(list)
        for text in texts:
            found = re.search(r"seq: (\d+), thread: (\w+)", text)
            assert found, text
            numbers[found[2]].append(int(found[1]))
        assert len(numbers) == connections
        assert all(each == list(range(count)) for each in numbers.values())
    assert {event["file_name"] for event in seen} == {"prg00000"}
