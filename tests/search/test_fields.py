"""The fields that are read from an event's structured data and message."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.search.fields import DEEPEST_FIELD, LONGEST_NAME, MOST_CONTAINERS, MOST_FIELDS, fields_in, values_of
from tests.search.asking import matches

MESSAGES = {
    '{"status": 500, "path": "/a"}': [("status", "500"), ("path", "/a")],
    ' \n{ "status":500}': [("status", "500")],
    '@cee: {"status":500}': [("status", "500")],
    '@cee:{"status":500}\n': [("status", "500")],
    'GET /a id=4 {"status":500}': [("id", "4"), ("status", "500")],
    '{"status":500} and more': [],
    '{"a": {"b": 1, "c.d": 2}, "e.f": 3}': [("a.b", "1"), ("a.c.d", "2"), ("e.f", "3")],
    '{"a": [1, [2, {"b": 3}], "4"], "c": [], "d": {}}': [("a", "1"), ("a", "2"), ("a.b", "3"), ("a", "4")],
    '{"a": 1.50, "b": 1e400, "c": -0, "d": 12345678901234567890123}': [
        ("a", "1.50"), ("b", "1e400"), ("c", "-0"), ("d", "12345678901234567890123"),
    ],
    '{"a": true, "b": false, "c": null, "d": "", "": 1}': [
        ("a", "true"), ("b", "false"), ("c", "null"), ("d", ""), ("", "1"),
    ],
    '{"a": 1, "b": 2, "a": 3}': [("a", "3"), ("b", "2")],
    r'{"a": "\u0041\n\"", "b\u0063": 1}': [("a", 'A\n"'), ("bc", "1")],
    r'{"a": "x\u0000y", "b": "\ud83d\ude00", "c": "\ud83d", "d": "\ude00\ud83d"}': [
        ("a", "x\ufffdy"), ("b", "\U0001f600"), ("c", "\ufffd"), ("d", "\ufffd\ufffd"),
    ],
    r'{"a": "\\ud83d\ude00", "b": "\\\\u0000"}': [("a", "\\ud83d\ufffd"), ("b", "\\\\u0000")],
    '{"a": NaN}': [],
    '{"a": 01}': [],
    '{"a": "\n"}': [],
    '{"a": "\x1b[31mred\x1b[0m"}': [("a", "red")],
    '[{"a": 1}]': [],
    '{"a":1} {"b":2}': [],
    'level=info msg="user logged in" user=7': [("level", "info"), ("msg", "user logged in"), ("user", "7")],
    r'msg="say \"hi\" a=b \\" c=d': [("msg", 'say "hi" a=b \\'), ("c", "d")],
    'a="x" b="" c= d=1': [("a", "x"), ("b", ""), ("c", ""), ("d", "1")],
    'a="not closed b=1': [("a", ""), ("b", "1")],
    "to=<bob@example.com>, relay=none, delay=0.1, status=deferred (why)": [
        ("to", "<bob@example.com>"), ("relay", "none"), ("delay", "0.1"), ("status", "deferred"),
    ],
    "a=1,b=2;c=3|d=4,5": [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4,5")],
    "logname= uid=0 euid=0 rhost=192.0.2.7": [
        ("logname", ""), ("uid", "0"), ("euid", "0"), ("rhost", "192.0.2.7"),
    ],
    "Point{x=1, y=2} (user=root) f=g(x) h=[1]": [
        ("x", "1"), ("y", "2"), ("user", "root"), ("f", "g(x)"), ("h", "[1]"),
    ],
    "msg='op=login acct=\"root\" res=failed'": [("msg", "op=login"), ("acct", "root"), ("res", "failed")],
    "GET /a?b=1&c=2 a==b a=>b a =b 1=2 -c=d \"e=f\"": [],
    "MAC=00:00:5e:00:53:01 url=http://example.com/?a=1&b=2": [
        ("MAC", "00:00:5e:00:53:01"), ("url", "http://example.com/?a=1&b=2"),
    ],
    "status: 500": [],
    "": [],
}  # fmt: skip

STRUCTURED = {
    '[exampleSDID@32473 iut="3" eventSource="App \\"x\\" \\] \\\\ \\n"][b@1 iut="4"]': [
        ("iut", "3"), ("eventSource", 'App "x" ] \\ \\n'), ("iut", "4"),
    ],
    '{"requestId":"a1b2","http":{"status":500}}': [("requestId", "a1b2"), ("http.status", "500")],
    "[id]": [],
    "a=b": [],
    '[x a="b" c="]" d="[y e=\\"f\\""]': [("a", "b"), ("c", "]"), ("d", '[y e="f"')],
}  # fmt: skip


@pytest.mark.parametrize(("message", "fields"), MESSAGES.items())
def test_the_fields_in_a_message(message: str, fields: list[tuple[str, str]]) -> None:
    assert fields_in(message, "") == fields
    for name, _ in fields:
        assert values_of(message, "", name) == [value for other, value in fields if other == name]


@pytest.mark.parametrize(("text", "fields"), STRUCTURED.items())
def test_the_fields_in_structured_data(text: str, fields: list[tuple[str, str]]) -> None:
    assert fields_in("", text) == fields
    for name, _ in fields:
        assert values_of("", text, name) == [value for other, value in fields if other == name]


def test_a_parameter_is_found_by_its_elements_id_too() -> None:
    text = '[exampleSDID@32473 iut="3"][b@1 iut="4"]'
    assert values_of("", text, "exampleSDID@32473.iut") == ["3"]
    assert values_of("", text, "iut") == ["3", "4"]


def test_structured_data_and_message_have_fields_side_by_side() -> None:
    assert fields_in('x=1 {"x":2}', '{"x":3}') == [("x", "3"), ("x", "1"), ("x", "2")]


def test_at_most_some_fields_are_listed_and_each_is_found() -> None:
    message = " ".join(f"k{n}={n}" for n in range(MOST_FIELDS + 50))
    assert len(fields_in(message, "")) == MOST_FIELDS
    assert values_of(message, "", f"k{MOST_FIELDS + 49}") == [f"{MOST_FIELDS + 49}"]


def test_nesting_is_followed_down_to_a_limit() -> None:
    def nested(levels: int) -> str:
        return '{"a":' * levels + "1" + "}" * levels

    name = ".".join("a" * DEEPEST_FIELD)
    assert fields_in(nested(DEEPEST_FIELD), "") == [(name, "1")]
    assert values_of(nested(DEEPEST_FIELD), "", name) == ["1"]
    assert fields_in(nested(DEEPEST_FIELD + 1), "") == []
    assert values_of(nested(DEEPEST_FIELD + 1), "", f"a.{name}") == []


def test_an_object_with_too_many_parts_has_no_fields() -> None:
    assert values_of(json.dumps({"a": [[] for _ in range(MOST_CONTAINERS - 2)], "b": 1}), "", "b") == ["1"]
    assert fields_in(json.dumps({"a": [[] for _ in range(MOST_CONTAINERS)], "b": 1}), "") == []
    assert fields_in(json.dumps({"a": "[" * MOST_CONTAINERS, "b": 1}), "") == [("a", "[" * MOST_CONTAINERS), ("b", "1")]
    assert fields_in('{"a":' + "[" * 100_000, "") == []


def test_a_long_name_of_a_pair_or_parameter_is_no_field() -> None:
    longest = "a" * LONGEST_NAME
    message, structured_data = f"{longest}=1 {longest}b=2", f'[id {longest}="3" {longest}b="4"]'
    assert fields_in(message, structured_data) == [(longest, "3"), (longest, "1")]
    assert values_of(message, structured_data, f"{longest}b") == []


def test_a_long_name_is_no_field() -> None:
    found = {"a" * (LONGEST_NAME + 1): 1, "a" * LONGEST_NAME: {"b": 2}, "c": 3}
    assert fields_in(json.dumps(found), "") == [("c", "3")]


_KEYS = st.text(st.sampled_from('ab.é"'), max_size=4)
_LEAVES = st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('ab{"\\ =[\x01é\U0001f600\n'), max_size=6)
OBJECTS = st.dictionaries(
    _KEYS, st.recursive(_LEAVES, lambda each: st.lists(each) | st.dictionaries(_KEYS, each), max_leaves=8), max_size=4
)


@settings(max_examples=300)
@given(st.dictionaries(_KEYS, OBJECTS | _LEAVES, min_size=1), st.booleans())
def test_what_is_listed_is_found_and_nothing_else(found: dict[str, object], is_ascii: bool) -> None:
    text = json.dumps(found, ensure_ascii=is_ascii)
    listed = fields_in(text, "")
    for name in {name for name, _ in listed}:
        assert sorted(values_of(text, "", name)) == sorted(value for other, value in listed if other == name)


@settings(max_examples=300)
@given(st.text(st.sampled_from("ab=\",;|\\ ([{}\n_@.'"), max_size=40))
def test_pairs_that_are_listed_are_found(text: str) -> None:
    listed = fields_in(text, "")
    for name in {name for name, _ in listed}:
        assert values_of(text, "", name) == [value for other, value in listed if other == name]


def test_words_of_fields_and_expressions_of_the_same_text_are_told_apart() -> None:
    """Compiled expressions are kept, for everybody's searches."""
    assert matches("x:wordy", message="x=wordy")
    assert matches("/wordy/", message="1wordy2")
    assert matches("/wordier/", message="1wordier2")
    assert not matches("x:wordier", message="x=1wordier2")
