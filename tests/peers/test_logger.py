"""util-linux's ``logger`` over TCP: RFC 3164, RFC 5424, octet-counted or newline-terminated."""

from __future__ import annotations

import subprocess

import pytest

from tests.fixtures.programs import program
from tests.fixtures.running import PplProcess
from tests.fixtures.watching import Viewer

pytestmark = pytest.mark.peer

LINES = [
    "first line",
    "Ünïcödé ✓ 日本語",
    "with [brackets]: and <13> inside",
    *[f"line {number}" for number in range(50)],
]


@pytest.mark.parametrize("counted", [False, True], ids=["newline", "octet-count"])
@pytest.mark.parametrize("form", ["--rfc3164", "--rfc5424", "--rfc5424=notime", "--rfc5424=notq"])
def test_every_line_of_logger_arrives(module_ppl: PplProcess, form: str, counted: bool) -> None:
    who = module_ppl.register()
    command = [
        program("logger"), "--server", "127.0.0.1", "--port", str(who.port), "--tcp", form,
        "--priority", "local0.err", "--tag", "myapp", "--id=4711",
        *(["--octet-count"] if counted else []),
    ]  # fmt: skip
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify(batch=True)
        subprocess.run(command, input="".join(f"{line}\n" for line in LINES).encode(), check=True, timeout=30)
        seen = viewer.live(len(LINES))
    assert [event["message"] for event in seen] == LINES
    for event in seen:
        assert (event["file_name"], event["severity"], event["facility"]) == ("myapp", "err", "local0")
        assert event["procid"] == "4711"
        assert event["hostname"]
    assert module_ppl.messages(who.port) == LINES


def test_structured_data_of_logger_is_kept(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    command = [
        program("logger"), "--server", "127.0.0.1", "--port", str(who.port), "--tcp", "--rfc5424", "--octet-count",
        "--msgid", "ID47", "--sd-id", "zoo@123", "--sd-param", 'tiger="hungry"', "--tag", "myapp", "hello",
    ]  # fmt: skip
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify()
        subprocess.run(command, check=True, timeout=30)
        (event,) = viewer.live(1)
    assert (event["message"], event["msgid"]) == ("hello", "ID47")
    assert '[zoo@123 tiger="hungry"]' in event["structured_data"]
