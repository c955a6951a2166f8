"""The time of a text that does not begin with it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from ppl.sources.inner_time import inner_moment
from ppl.sources.line import parse_line
from tests.sources.lines import micros

BERLIN = ZoneInfo("Europe/Berlin")
#: 2026-11-30T00:55:30 in Berlin.
RECEIVED = micros(2026, 11, 29, 23, 55, 30)
MOMENT = micros(2026, 11, 29, 23, 55, 12)


@pytest.mark.parametrize(
    "text",
    [
        '192.0.2.9 - - [30/Nov/2026:00:55:12 +0100] "GET / HTTP/1.1" 200 7',
        'shop.example.com 192.0.2.9 - kim [30/Nov/2026:00:55:12 +0100] "GET / HTTP/1.1" 200 7',
        'time="2026-11-30T00:55:12+01:00" level=info msg=x',
        "time=2026-11-30T00:55:12 level=info msg=x",
        "ts=1795996512 level=info",
        'logger=a user="kim b" t=2026-11-29T23:55:12Z level=info',
        "INFO 2026-11-30 00:55:12 x",
        "WARN  [2026-11-30 00:55:12] x",
        "[ERROR] 2026/11/30 00:55:12 x",
        "ERROR: [main] 2026-11-30 00:55:12 x",
        "D, [2026-11-30T00:55:12 #7] DEBUG -- : x",
        "I [30/Nov/2026:00:55:12 +0100] x",
        "[I 2026-11-30 00:55:12 App] x",
        "(N) 2026-11-30T00:55:12 - x",
        "7:M 30 Nov 2026 00:55:12 * x",
        "=INFO REPORT==== 30-Nov-2026::00:55:12 ===",
        "type=CWD msg=audit(1795996512.000:7): cwd=/",
        "[main] 2026-11-30 00:55:12 x",
        "[Nest] 7  - 11/30/2026, 12:55:12 AM     LOG x",
        "I1130 00:55:12 7 main.go:42] x",
        "E20261130 00:55:12 7 main.cc:42] x",
        "W261129 23:55:12 7 x",
        "[W 261130 00:55:12 web:7] x",
        '{"time":"2026-11-30T00:55:12"}',
        '{"level":30,"time":1795996512000,"msg":"x"}',
        '{"msg":"x","ts":1795996512.0}',
        '{"@timestamp":"2026-11-29T23:55:12.000Z","event":{"time":"2026-11-30T10:00:00Z"}}',
        '{"date":"2026-11-30","time":"2026-11-30 00:55:12"}',
        '{"time":"00:55:12","timestamp":"2026-11-30T00:55:12"}',
        '{"t":{"$date":"2026-11-29T23:55:12.000Z"},"s":"I"}',
        '{"lines":[1],"time":"2026-11-29T23:55:12Z"}',
        '{"a":{"time":"2026-11-20T00:00:00Z"},"b":"{","time":"2026-11-29T23:55:12Z"}',
        '{"instant":{"epochSecond":1795996512,"nanoOfSecond":0},"level":"INFO"}',
        "1,2026/11/30 00:55:12,012801000000,SYSTEM",
        '192.0.2.9 -  30/Nov/2026:00:55:12 +0100 "GET /index.php" 200',
        "7:S 30 Nov 00:55:12.000 * x",
        "[7] 30 Nov 00:55:12 # x",
        "ERROR 30/11/26 00:55:12 x",
        "[S=7] call ended [Time:30-11@00:55:12]",
        "E 2026-11-30 00:55:12 x",
        "L 11/30/2026 - 00:55:12: x",
        "[#|2026-11-30T00:55:12+01:00|INFO|x|#]",
        "app.log.1 2026-11-30 00:55:12 x",
    ],
)
def test_a_text_tells_its_time(text: str) -> None:
    assert inner_moment(text, 0, RECEIVED, BERLIN) == MOMENT
    for start in ("", "<13>"):
        created_at, *_, message = parse_line(start + text, RECEIVED, BERLIN)
        assert (created_at, message) == (MOMENT, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "backup of 2026-11-30 00:55:12 done",
        "hello 2026-11-30 00:55:12",
        "at [30/Nov/2026:00:55:12 +0100]",
        "x time=2026-11-30T00:55:12Z",
        "time=now level=info",
        "timeout=2026-11-30T00:55:12Z",
        '{"order":{"time":"2026-11-30T00:55:12Z"}}',
        '{"lines":[{"time":"2026-11-30T00:55:12Z"}],"a":1}',
        '{"a":"}","b":{"c":[],"time":"2026-11-30T00:55:12Z"}}',
        '{"time":"00:55:12"}',
        '{"date":"2020-11-30T00:55:12"}',
        '{"time":179599651200\u00b2}',
        '{"msg":"say \\"time\\":1795996512"}',
        "date=2026-11-30 time=00:55:12 user=kim",
        "10-12-14 00:55:12 x",
        "[10/12/14 00:55:12] x",
        "  2026-11-30 00:55:12",
        "E1330 00:55:12 7 main.go:42] x",
        "[a] b 2026-11-30 00:55:12",
        "moved to [Time:31-11@00:55:12]",
        "[Time:30-11@00:55:12] moved",
        "the log 2026-11-30 00:55:12",
    ],
)
def test_a_time_anywhere_else_is_text(text: str) -> None:
    assert inner_moment(text, 0, RECEIVED, BERLIN) is None
