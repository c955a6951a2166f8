"""Names and terms of fields that readers click, and the values shown in columns."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.model import Event
from ppl.search.columns import LONGEST_COLUMN_VALUE, MOST_COLUMNS, column_values, read_columns, with_columns
from ppl.search.field_terms import LONGEST_FIELD_NAME, LONGEST_TERM, field_term, is_field_name
from ppl.search.query import parse
from ppl.search.tree import FieldExact


def event(message: str, structured_data: str = "") -> Event:
    return Event(1, 1, "192.0.2.1", "app", message, structured_data=structured_data)


def test_an_event_has_values_for_the_columns_that_are_fields_of_it() -> None:
    shown = event('started {"status": 500, "user": {"id": 7}, "tags": ["a", "b"]}', '[x@1 iut="3"]')
    columns = ("user.id", "tags", "iut", "nothing")
    assert column_values(shown, columns) == {"user.id": "7", "tags": "a, b", "iut": "3"}
    assert with_columns({"id": "1"}, shown, ("status",)) == {"id": "1", "columns": {"status": "500"}}
    assert with_columns({"id": "1"}, shown, ("nothing",)) == {"id": "1"}
    assert with_columns({"id": "1"}, shown, ()) == {"id": "1"}


def test_a_long_value_is_cut() -> None:
    whole, long_ = "x" * LONGEST_COLUMN_VALUE, "x" * (LONGEST_COLUMN_VALUE + 1)
    assert column_values(event(f"a={whole} b={long_}"), ("a", "b")) == {"a": whole, "b": f"{whole[:-1]}…"}
    many = column_values(event('{"a": [' + "1," * 9_999 + "1]}"), ("a",))["a"]
    assert (len(many), many[-1]) == (LONGEST_COLUMN_VALUE, "…")


def test_columns_are_few_and_have_names() -> None:
    assert read_columns(["status", "user.id", "status", "x@1.iut"]) == ("status", "user.id", "x@1.iut")
    assert len(read_columns(f"c{number}" for number in range(MOST_COLUMNS))) == MOST_COLUMNS
    with pytest.raises(ValueError, match="at most 8"):
        read_columns(f"c{number}" for number in range(MOST_COLUMNS + 1))
    with pytest.raises(ValueError, match="'a b' is not the name of a field"):
        read_columns(["a b"])


@pytest.mark.parametrize("name", ["", "a b", "1st", "naïve", "a:b", "a/b", "a\n", "a" * (LONGEST_FIELD_NAME + 1)])
def test_a_name_is_a_word(name: str) -> None:
    assert not is_field_name(name)
    assert field_term(name, "x") is None


@pytest.mark.parametrize(
    ("name", "value", "term"),
    [
        ("status", "500", "status:=500"),
        ("user.name", "Ann Lee", 'user.name:="Ann Lee"'),
        ("q", 'say "hi"', "q:='say \"hi\"'"),
        ("path", "/a", 'path:="/a"'),
        ("empty", "", 'empty:=""'),
        ("glob", "a*", 'glob:="a*"'),
        ("host", "web-1", ".host:=web-1"),
        ("Level", "error", ".Level:=error"),
        ("trace", "a\nb", None),
        ("escape", "\x1b[31m", None),
        ("long", "x" * LONGEST_TERM, None),
    ],
)
def test_a_value_has_the_term_that_finds_it(name: str, value: str, term: str | None) -> None:
    assert field_term(name, value) == term


@given(
    st.from_regex(r"[A-Za-z_@][A-Za-z0-9_.@-]{0,20}", fullmatch=True),
    st.text(st.characters(exclude_categories=["C"]), max_size=30)
    | st.sampled_from(["-a", "/a/", "(", "a:b", '"', "*", "=1"]),
)
def test_a_term_finds_the_very_value(name: str, value: str) -> None:
    term = field_term(name, value)
    if term is None:
        assert not value.isprintable()
        return
    assert parse(term, UTC, 0).tree == FieldExact(name, value)
