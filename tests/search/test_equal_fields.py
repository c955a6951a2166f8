"""The database reads the same fields and numbers from a text as ``ppl.search.fields`` and ``ppl.search.quantity``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ppl.search.colours import uncoloured
from ppl.search.fields import fields_in, values_of
from ppl.search.quantity import in_full, measured, parse_quantity
from tests.search.field_texts import DEEP, JSON, MESSAGES, NAMES, NUMBERS, STRUCTURED_DATA

# OFFSET 0 keeps the texts from being constants, which the planner would parse whatever the condition before it.
_ASKED = (
    f"SELECT event_field(structured_data, {uncoloured('message')}, name),"
    " event_short_value(structured_data, message, name)"
    " FROM (SELECT %s::text AS message, %s::text AS structured_data OFFSET 0) AS event,"
    " unnest(%s::text[]) WITH ORDINALITY AS names (name, number) ORDER BY number"
)


@pytest.fixture(scope="module")
def cursor(module_dsn: str) -> Iterator[Any]:
    """A cursor on a migrated database."""
    with closing(psycopg2.connect(module_dsn)) as opened:
        opened.autocommit = True
        with opened.cursor() as made:
            yield made


def check(cursor: Any, message: str, structured_data: str, more: Sequence[str] = ()) -> None:
    names = list(dict.fromkeys([*NAMES, *more, *(name for name, _ in fields_in(message, structured_data)[:20])]))
    cursor.execute(_ASKED, [message, structured_data, names])
    values = {name: values_of(message, structured_data, name) for name in names}
    for name, (found, short) in zip(names, cursor, strict=True):
        assert found == values[name], name
        assert short is None or [short] == values[name], name


def test_the_only_value_in_short_json_is_read_by_itself(cursor: Any) -> None:
    message = '{"status":500,"user":{"id":"7"},"tags":["x"],"empty":"","none":null,"odd":"a\\tb"}'
    names = ["status", "user.id", "tags", "empty", "none", "user"]
    cursor.execute(_ASKED, [message.replace("\\t", ""), "", names])
    assert [short for _, short in cursor] == ["500", "7", None, "", None, None]
    for other, structured_data in ((message, ""), (f"{message} ", '[a b="c"]'), ("x " + message, "")):
        cursor.execute(_ASKED, [other, structured_data, names])
        assert {short for _, short in cursor} == {None}


@settings(max_examples=800, suppress_health_check=list(HealthCheck))
@given(MESSAGES, STRUCTURED_DATA)
def test_the_database_reads_the_same_fields(cursor: Any, message: str, structured_data: str) -> None:
    check(cursor, message, structured_data)


@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(st.text(st.sampled_from("ab=\",;|\\ ([{}\n:1u0d83'@]"), max_size=40))
def test_the_database_reads_the_same_fields_of_any_text(cursor: Any, text: str) -> None:
    check(cursor, text, text)
    check(cursor, '{"a":"' + text + '","b":[{"a":"' + text, "")
    check(cursor, '{"a":"' + text + '","b":[7]}', '[b a="' + text + '"]')


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(JSON | DEEP, st.sampled_from([7_000, 9_000]))
def test_the_database_reads_the_same_fields_of_long_json(cursor: Any, json: str, length: int) -> None:
    check(cursor, '{"x":"' + "y" * length + '","a":' + json + "," + json[1:] if json[:2] == '{"' else json, "")
    check(cursor, '{"a":' + json[:-1] + " " * length + json[-1:] + "}", "", ["a.a.a.a.b", "a.a.b.a", "a.a.b.b"])


LARGE = [
    '{"a":"' + '\\"' * 29_000 + "[" * 600,
    '{"' + '[\\"' * 20_000,
    '{"a":"' + '\\"' * 29_000 + "[" * 600 + "\\",
    '{"a":' * 3_000 + "1" + "}" * 3_000,
    '{"a":"' + "[" * 60_000 + '","b":1}',
    'a="x b=1 ' * 6_000,
    "a=,,b,c=1|" * 6_000,
    ("{" + " " * 10) * 6_000,
    "a" * 60_000 + "=1",
    "[x " + 'a="b" ' * 10_000,
    '{"a":[' + "1," * 20_000 + "1]}",
    'x="' + '\\"' * 30_000,
    ' a="' * 16_000,
    '{"a":"' + "\\ud83d" * 10_000 + '"}',
    "[" * 60_000,
    '{"' + "a" * 60_000 + '":{"a":1,"b":2}}',
    '{"a":' + "9" * 60_000 + "}",
    '{"a":1e' + "9" * 60_000 + "}",
    ' a=""' * 13_000 + " x",
    ' a="\\""' * 9_000,
    "x" * 16_376 + ' a="b" a="c" a=d',
    "x" * 16_376 + ' b=1 a=bcd {"b":[7]}',
    '{"a":' * 31 + '{"b":[' + "1," * 27_000 + '1],"x":1}' + "}" * 31,
    '{"a":' * 7 + '{"b":[' + "1," * 27_000 + '1],"b":7}' + "}" * 7,
    '{"a":' * 6 + '{"b":[1,"{",[null,2]],"b":[7,null],"x":"' + "y" * 9_000 + '"}' + "}" * 6,
    '{"a":' + "[" * 31 + "1," * 28_000 + "1" + "]" * 31 + "}",
    '{"a":' + "[" * 7 + "1," * 28_000 + "1" + "]" * 7 + "}",
    '{"a":[' + "[1,1,1,1,1,1,1,1]," * 400 + '{"b":"' + "y" * 30_000 + '"}]}',
    *('{"a":' * 9 + '{"b":"' + "y" * length + '"}' + "}" * 9 for length in (8_129, 8_130, 8_131, 8_132)),
    *(" a=1" * 150 + " a=2" * more + ' {"a":[' + "3," * 100 + '[4],"[","5"]}' for more in (0, 48, 49, 50, 51)),
    *('{"a":[' + "[1,1]," * 60 + "2," * most + '[3,3,3],"[",4]}' for most in (75, 76, 77, 78, 79, 80, 81)),
    '{"a":[' + '{"a":1,"b":[1,"[",2]},' * 120 + "7]}",
    '{"a.a":[' + "1," * 150 + '1],"a":{"a":[' + "2," * 150 + "2]}}",
    *("[x" + ' y="z"' * 2_729 + " " * blanks + 'a="b" a="c" ][a b="c"]' for blanks in range(3)),
    '[a b="c"]' * 250 + '{"b":7}',
    '{"a":1,"a.b":2,' * 3 + '"":{"a":3},' + '"a":{"b":4},' * 4_000 + '"a.b":5' + "}",
]


@pytest.mark.parametrize("text", LARGE, ids=range(len(LARGE)))
def test_a_large_text_is_read_alike_and_raises_nothing(cursor: Any, text: str) -> None:
    names = [".".join(["a"] * parts) + end for parts in (2, 7, 8, 9, 10, 31, 128) for end in ("", ".b", ".x")]
    check(cursor, text, "", names)
    check(cursor, "", text, names)


@settings(max_examples=500, suppress_health_check=list(HealthCheck))
@given(
    st.lists(st.sampled_from(NUMBERS) | st.text(st.sampled_from("0123456789.eE+-µkmsKB% x"), max_size=70), max_size=50)
)
def test_the_database_reads_the_same_numbers(cursor: Any, texts: list[str]) -> None:
    for measure in ("number", "any", "time", "bytes"):
        cursor.execute(
            "SELECT event_number(text, %s) FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n",
            [measure, texts],
        )
        assert [number for (number,) in cursor] == [measured(text, measure) for text in texts]


def test_an_operand_is_passed_on_in_full(cursor: Any) -> None:
    for text in NUMBERS:
        quantity = parse_quantity(text)
        if quantity is not None:
            cursor.execute(
                "SELECT event_number(%s, %s) = %s::numeric", [text, quantity.measure, in_full(quantity.number)]
            )
            assert cursor.fetchone() == (True,), text
