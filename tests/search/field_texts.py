"""Messages and structured data with fields, well-formed and not, and queries that ask for these fields."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

KEYS = ("a", "level", "b", "ab", "a.b", "x-y@1", "host", "é", "", "a b")
NUMBERS = (
    "7", "7.0", "07", "-7", "+7", "7e0", "1e3", "1000", "1E+3", "0.8", ".8", "1e999", "1e-999", "1e1000", "7.", "0",
    "200ms", "0.2s", "0.2 s", "1m", "10KB", "10kib", "10240 b", "95%", "7x", "3µs", "3000NS", "1" * 63, "1" * 65,
    "1.5e3s", "9" * 40 + "." + "9" * 20 + "d",
)  # fmt: skip
WORDS = ("K", "k\u212a", "é", "a b", "b", "/b", "a/b", "a_b", "%", "it's", '"', "\\", "\x01", "true", "null", "", "İ")
_STRINGS = st.sampled_from([*NUMBERS, *WORDS]) | st.text(
    st.sampled_from('aAbK1.-_/"\\=[]{}, é\u212a\U0001f600\x01\n'), max_size=8
)
_ODD_STRINGS = st.lists(
    st.sampled_from(
        [*"ab 7", r"\u0061", r"\u0000", r"\ud83d", r"\ude00", r"\ud83d\ude00", r"\\", r"\"", r"\n", r"\/", r"\u00E9"]
    ),
    max_size=6,
).map(lambda parts: '"' + "".join(parts) + '"')
_JSON_NUMBERS = st.sampled_from(
    ["7", "7.0", "-7", "1e3", "1E+3", "1000", "0.8", "1e999", "1e200000", "-0", "0", "1.50"]
)
_SPACES = st.sampled_from(["", "", "", " ", "\n", "\t "])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=len(text) % 2 == 0)


_SCALARS = st.one_of(_STRINGS.map(_quoted), _ODD_STRINGS, _JSON_NUMBERS, st.sampled_from(["true", "false", "null"]))
_JSON_KEYS = st.sampled_from([*map(_quoted, KEYS), r'"\u0061"', r'"a\u002eb"'])


def _objects(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.builds("{}{}:{}{}".format, _JSON_KEYS, _SPACES, _SPACES, values)
    return st.builds(lambda space, members: f"{{{space}{','.join(members)}}}", _SPACES, st.lists(member, max_size=4))


def _containers(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return _objects(values) | st.lists(values, max_size=3).map(lambda each: f"[{','.join(each)}]")


JSON = _objects(st.recursive(_SCALARS, _containers, max_leaves=6))
DEEP = st.builds(
    lambda levels, opens, inner: (
        "".join(opens[:levels]) + inner + "".join("]" if each == "[" else "}" for each in reversed(opens[:levels]))
    ),
    st.integers(28, 36),
    st.lists(st.sampled_from(['{"a":', "["]), min_size=36, max_size=36).map(lambda each: ['{"a":', *each]),
    _SCALARS,
)
MANY = st.integers(495, 505).map(lambda count: '{"a":[' + ",".join(["[]"] * (count - 2)) + '],"b":7}')
BROKEN = st.sampled_from(
    [
        '{"a":7',
        '{"a":7}}',
        '{"a":07}',
        '{"a":NaN}',
        '{"a":1.}',
        '{"a":+1}',
        "{'a':7}",
        '{"a":"\n"}',
        '{"a":tru}',
        '{"a":7}x',
        '{"a":7,}',
        "{a:7}",
        '{"a":"\\x"}',
        '{"a":"\\u12"}',
        '{"a":"\\u+123"}',
        '{"a":trueé}',
        '{"a":[1,]}',
        '{"a" 7}',
        '{"a":7}\x0c',
        '{"a":"' + "[" * 600 + '","b":7}',
        '{"a":' + "[" * 3000,
        '{"b":7,"a":' + "[" * 600 + "]" * 600 + "}",
        '{"a":"\x7f"}',
    ]
)
_PAIR_KEYS = st.sampled_from(["a", "b", "ab", "a.b", "x-y@1", "host", "1", "", "é", "A"])
_PAIR_VALUES = st.one_of(
    _STRINGS,
    _STRINGS.map(_quoted),
    st.sampled_from(
        ['"', '"\\"', '"a b=7"', '"a\\"b" ', "7,", "(7)", "f(b=7)", "[7]", "'7'", "7)", "=7", ">7", "b=7", "{b=7}"]
    ),
)
PAIRS = st.lists(
    st.builds(
        "{}{}={}".format,
        st.sampled_from([" ", ",", ", ", ";", "", "|", "(", "\n", '"', "?", "{"]),
        _PAIR_KEYS,
        _PAIR_VALUES,
    ),
    max_size=5,
).map("".join)
HEADERS = st.sampled_from(["", "", "@cee:", "@cee: ", "GET /a ", "{", "{ ", " \n"]) | PAIRS
_PARAMETERS = st.lists(
    st.builds(
        ' {}="{}"'.format,
        st.sampled_from(["a", "b", "a.b", "x-y@1", "é", "host"]),
        st.sampled_from([*NUMBERS, "a b", '\\"', "\\\\", "\\]", "\\n", ' b=\\"7\\"', "]", "[b", '{\\"a\\":7}']),
    ),
    max_size=3,
).map("".join)
_ELEMENTS = st.lists(
    st.builds("[{}{}]".format, st.sampled_from(["a", "x-y@1", "a.b", "", "x=1", "exampleSDID@32473"]), _PARAMETERS),
    max_size=3,
).map("".join)

MESSAGES = st.builds(
    "{}{}{}".format, HEADERS, JSON | DEEP | MANY | BROKEN | PAIRS, st.sampled_from(["", "", "", " ", "\n", " x"])
)
STRUCTURED_DATA = _ELEMENTS | JSON | BROKEN | st.just("")

NAMES = (
    "a",
    "b",
    "ab",
    "a.b",
    "a.a.b",
    "x-y@1",
    "a.x-y@1",
    "x-y@1.a",
    "exampleSDID@32473.a.b",
    ".host",
    "a..b",
    "a.",
    ".a",
)
_NAMES = st.sampled_from(NAMES)
_VALUES: Any = st.one_of(
    st.sampled_from([*NUMBERS, "K", "é", "b", "/b", "a_b", "true", "null", "x:7", "a*b", "*", "7*", "*é", "http://b"]),
    (_STRINGS.filter(bool)).map(lambda text: '"' + text.replace('"', '""') + '"'),
    st.sampled_from(
        [
            "/^7/",
            "/b$/",
            r"/\d+/",
            "/a.b/",
            "/é|7/",
            "/^$/",
            "(7 OR b)",
            "(a -b)",
            '="7"',
            "=7",
            '=""',
            "=K",
            "=a",
            "=0.8",
        ]
    ),
    st.builds("{}{}".format, st.sampled_from([">", ">=", "<", "<="]), st.sampled_from([*NUMBERS, "x"])),
)
FIELD_QUERIES = st.builds("{}:{}".format, _NAMES, _VALUES) | st.sampled_from(
    ["level:7", "level:30", "level:=7", "level:>=0.8", "level:>=err", "level:/7/", "level:e*", "level:*"]
)
