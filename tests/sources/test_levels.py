"""The severity that a text names itself."""

from __future__ import annotations

from datetime import UTC

import pytest

from ppl.sources.levels import level_of, named_level
from ppl.sources.line import parse_line
from tests.sources.lines import RECEIVED


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("ERROR myapp: x", 3),
        ("ERROR", 3),
        ("ERROR:root:x", 3),
        ("Warning: low", 4),
        ("error: cannot open", 3),
        ("[ERROR] x", 3),
        ("[error] 12#0: *1 open() failed", 3),
        ("[core:error] [pid 3] x", 3),
        ("(INFO) x", 6),
        ('INFO:     127.0.0.1:5000 - "GET /" 200', 6),
        ("WARN  [2026-11-30 00:55:12,123] org.foo: x", 4),
        ("[main] ERROR com.foo.Bar - x", 3),
        ("4711 ERROR x", 3),
        ("myapp - ERROR - hello", 3),
        ("| ERROR    | __main__:<module>:4 - hello", 3),
        ("[24167] LOG:  checkpoint", 6),
        ("production.ERROR: boom", 3),
        ("E1130 00:55:12.3 4711 main.go:42] msg", 3),
        ("E, [2026-11-30T00:55:12 #7] ERROR -- : boom", 3),
        ("level=warn msg=x", 4),
        ('msg="x" level=error', 3),
        ("PRIORITY=3 a", 3),
        ("log.level=debug x", 7),
        ('{"level":50,"msg":1}', 3),
        ('{"msg":"x","level":"info"}', 6),
        ('{"severity": "CRITICAL"}', 2),
        ("<3>disk full", 3),
        ("FATAL x", 2),
        ("SEVERE: x", 3),
        ("2026-11-30T00:55:12Z DEBUG x", 7),
        ("PHP Warning:  x", 4),
        ("[30-Nov-2026 00:55:12] PHP Recoverable fatal error:  x", 3),
        ("panic: runtime error", 2),
        ("fatal error: x", 3),
        ("PHP Deprecated:  x", 6),
        ("\x1b[31mERROR\x1b[0m x", 3),
        ("\x1b[33mWARN\x1b[0m[0012] x", 4),
        ("[main] warning/Cluster: x", 4),
        ("[1795996512] unbound[7:0] error: x", 3),
        ("[Nov 30 00:55:12] WARNING[7][C-1]: x", 4),
        ("[warning     ] x", 4),
        ("[a.b#critical] x", 2),
        ("ERRO[0012] x", 3),
        ("E! [outputs.x] y", 3),
        ("W | etcdserver: x", 4),
        ("error\tapp/main.go:7\tx", 3),
        ("W  NETWORK  [conn5] x", 4),
        ("D2 -        [main] x", 7),
        ('{"t":{"$date":"2026-11-30T00:55:12.123+01:00"},"s":"E", "c":"x"}', 3),
        ("7:M 30 Nov 2026 00:55:12.123 # x", 4),
        ("7:S 30 Nov 00:55:12.123 - x", 6),
        ("[E] x", 3),
        ("[ warn] x", 4),
        ("info hostd[2099] x", 6),
        ("kern  :err   : x", 3),
        ('"kim","shop",7,"192.0.2.1:5",65a.1,1,"SELECT",2026-11-30 00:50:00 CET,3/1,0,ERROR,42P01,"x"', 3),
        (',,7,,65a.1,1,,2026-11-30 00:50:00 CET,,0,LOG,00000,"x"', 6),
        ("system,error,critical x", 2),
        ("WIN-DC1 ERROR 7036 x", 3),
        ("root: WARNING: x", 4),
        ("stderr F ERROR x", 3),
        ("1234  1240 V Audio: x", 7),
        ("V/Audio( 1234): x", 7),
        ("\x1b[2KERROR x", 3),
        ("192.0.2.1(5432):kim@shop:[7]:ERROR:  x", 3),
        ("com.example.App main SEVERE: x", 3),
    ],
)
def test_a_text_names_its_level(text: str, level: int) -> None:
    assert level_of(text) == level


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "no error occurred",
        "NO ERROR occurred",
        "GET /error 200",
        "status=error",
        "a b c ERROR d",
        "user severity: high",
        '{"message":"ERROR"}',
        "kernel: [  12.3] foo",
        "level=9 x",
        "water_level=5",
        "1:M 30 Nov 2026 00:55:12.123 = Ready",
        "ERRORS are bad",
        "E. coli",
        "C | D",
        "I (think) so",
        "PHP and error: x",
        "goroutine 1: panic",
        "[a] b error: x",
        "an ERROR occurred",
        "Result: ERROR",
        "error reading orders[12]",
        "note,that this is text",
        "red,fine and blue",
        '"kim","shop",ERROR,"x"',
        "I AM [here] x",
        '{"s":"E"}',
        "12 V and more",
        "V/A: on",
        "orders.log had ERROR x",
    ],
)
def test_a_text_that_names_none(text: str) -> None:
    assert level_of(text) is None


def test_only_a_line_without_pri_takes_its_level_from_the_text() -> None:
    assert parse_line("<14>Nov 24 10:00:00 web-7 app: ERROR x", RECEIVED, UTC)[1:3] == (1, 6)
    assert parse_line("Nov 24 10:00:00 web-7 app[1]: ERROR x", RECEIVED, UTC)[1:3] == (None, 3)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("myapp ERROR boom", 3),
        ("django.request WARNING boom", 4),
        ("App.Program INFO boom", 6),
        ("found ERROR in line 7", None),
        ("an ERROR occurred", None),
        ("Print WARN instead", None),
        ("myapp ERROR", None),
    ],
)
def test_a_name_and_a_level_behind_a_time(text: str, level: int | None) -> None:
    assert named_level(text) == level
