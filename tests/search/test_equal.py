"""The two back ends are equal: database and predicate find the same events, for random events and queries.

The database is the embedded one; every query runs without and with the trigram index.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from psycopg2.extras import execute_values

from ppl.model import Event
from ppl.search.canonical import canonical
from ppl.search.colours import uncoloured, without_colours
from ppl.search.errors import QueryError
from ppl.search.query import Query
from ppl.search.regex.folding import fold, folded_codes
from ppl.search.sql import searched
from tests.search.asking import BERLIN, NOW, ask, event
from tests.search.examples import FOUND, NOT_FOUND
from tests.search.field_texts import FIELD_QUERIES, MESSAGES, STRUCTURED_DATA

COLUMNS = (
    "id", "created_at", "sender_ip", "file_name", "message", "hostname", "procid", "msgid", "structured_data",
    "severity", "facility",
)  # fmt: skip

# Few characters, so that random texts coincide: case pairs of every kind, wildcards, quotes, separators, combining
# characters.
ALPHABET = (
    "aAbBkK\u212aiIİısſSßẞσςΣéÉe\u0301жЖǆǅǄ\u1c89\u1c8aåÅ\u212b𐐀𐐨01%_\\*'\"-()/:.,^$|+?[]{}# \n\t\x01\u200f\ufffd"
)
TEXT = st.text(st.sampled_from(ALPHABET), max_size=12)
# Colour sequences, and parts that make others, cut ones and too long ones when they are joined.
ESCAPES = ["\x1b[32m", "\x1b[0m", "\x1b[1;38:5:1m", "\x1b", "\x1b[", "[", "0", ";", ":", "m", "M", "\x1b[2K", "8" * 64]
COLOURED = st.lists(st.sampled_from([*ESCAPES, *"ab A"]), max_size=10).map("".join)
ADDRESSES = ["192.0.2.1", "192.0.2.17", "10.0.0.1", "::1", "2001:db8::a", "2001:db8:1::", "::ffff:192.0.2.1"]
EVENTS = st.lists(
    st.builds(
        event,
        message=MESSAGES | TEXT | COLOURED | st.sampled_from(["GET /a HTTP/1.1 200 aab", "abab ABK", ""]),
        file_name=TEXT,
        hostname=TEXT | st.sampled_from(["web1", ""]),
        sender_ip=st.sampled_from(ADDRESSES),
        procid=TEXT | st.sampled_from(["1", ""]),
        msgid=TEXT | st.sampled_from(["AB1", ""]),
        structured_data=STRUCTURED_DATA
        | TEXT
        | COLOURED
        | st.sampled_from(['[a@1 b="k\\"1\\\\\\]"]', '{"a":"b","k":1}', ""]),
        severity=st.none() | st.integers(0, 7),
        facility=st.none() | st.integers(0, 23),
    ),
    min_size=8,
    max_size=24,
)

QUOTED = TEXT.filter(bool).map(lambda text: '"' + text.replace('"', '""') + '"')
WORDS = st.text(st.sampled_from(ALPHABET), min_size=1, max_size=4)
SETS = ["[a-k]", "[^b]", "[A-Zж]", "[[:alpha:]]", "[[:upper:]0]", "[^[:space:]]", *(rf"\{char}" for char in "dDwWsS")]
OTHERS = [r"\\", r"\.", r"\n", r"\u0130", r"\U00010400", "(?:ab|c)", "(a|)"]
ATOMS = st.sampled_from([*"aBkİΣ.é%_^$x\u212a", *SETS, *OTHERS])
REGEXES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{0,2}", "{1,}", "+?"])),
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
    ),
    max_leaves=6,
)
EDGES = st.sampled_from(["", "", r"\b"])
SLASHED = REGEXES.map("/{}/".format) | st.builds(r"/{}a{}k{}/".format, EDGES, REGEXES, EDGES)
VALUES = QUOTED | WORDS | SLASHED
TEXT_ATTRIBUTES = st.sampled_from(
    ["sender:", "host:", "program:", "message:", "file:", "procid:", "msgid:", "structured_data:"]
)
SEVERITIES = ["err", ">=warn", "<notice", "<=crit", ">info", "(err OR 7)", "*", "e*"]
PATTERNS = st.builds("{}*{}".format, st.sampled_from(["", "a", "*", "w"]), st.sampled_from(["", "b", "a*", "1"]))
NETWORKS = [*ADDRESSES, "192.0.2.0/28", "2001:db8::/48", "::/0", "0.0.0.0/0", "*.2.*", "192*", "/^1/"]
LEAVES = st.one_of(
    VALUES,
    FIELD_QUERIES,
    st.builds("{}{}".format, TEXT_ATTRIBUTES, VALUES | PATTERNS),
    st.builds("{}={}".format, TEXT_ATTRIBUTES, QUOTED | WORDS | st.sampled_from(['""', "web1", "192.0.2.1"])),
    st.sampled_from(SEVERITIES).map("severity:{}".format),
    st.sampled_from(["kern", "local*", "3", "(user mail)"]).map("facility:{}".format),
    st.sampled_from(NETWORKS).map("ip:{}".format),
    st.integers(0, 24).map(lambda n: f"after:{NOW + n}"),
    st.integers(0, 24).map(lambda n: f"before:{NOW + n}"),
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("{} {}".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
        st.builds("-({})".format, inner),
        st.builds("NOT {}".format, inner),
        st.builds("program:({} {} -{})".format, VALUES, VALUES, VALUES),
        st.lists(WORDS | QUOTED, min_size=8, max_size=12).map(" ".join),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def connection(module_dsn: str) -> Iterator[Any]:
    """A connection to an empty table like ``event``, with the trigram index on it."""
    with closing(psycopg2.connect(module_dsn)) as opened:
        opened.autocommit = True
        with opened.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute("CREATE TEMPORARY TABLE event (LIKE public.event INCLUDING ALL)")
            cursor.execute(f"CREATE INDEX ON event USING gin (({searched()}) gin_trgm_ops)")
        yield opened


def store(connection: Any, events: list[Event]) -> None:
    rows = [(1, *(getattr(each, name) for name in COLUMNS)) for each in events]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM event")
        execute_values(cursor, f"INSERT INTO event (destination_id, {', '.join(COLUMNS)}) VALUES %s", rows)


def found(connection: Any, query: Query, by_index: bool) -> list[int]:
    text, parameters = query.sql()
    with connection.cursor() as cursor:
        cursor.execute(f"SET enable_seqscan = {'off' if by_index else 'on'}")
        cursor.execute(f"SELECT id FROM event WHERE {text} ORDER BY id", parameters)
        return [row[0] for row in cursor]


def parsed(text: str) -> Query:
    try:
        return ask(text)
    except QueryError:
        assume(False)
        raise


def check_alike(connection: Any, events: list[Event], texts: list[str]) -> None:
    """Whether the database finds what the predicate finds, for each of the queries ``texts``."""
    numbered = [
        event(**{name: getattr(each, name) for name in COLUMNS[2:]}, id=NOW + n) for n, each in enumerate(events)
    ]
    store(connection, numbered)
    for text in texts:
        query = parsed(text)
        matches = query.predicate()
        matching = [each for each in numbered if matches(each)]
        expected = [each.id for each in matching]
        assert found(connection, query, by_index=False) == expected, text
        assert found(connection, query, by_index=True) == expected, text
        low, high = query.id_bounds()
        assert all(low <= id_ < high for id_ in expected), text
        for each in matching:
            texts = (each.hostname, each.sender_ip, each.file_name, each.procid, each.msgid, each.structured_data)
            whole = fold("\x01".join((*texts, without_colours(each.message))))
            assert all(any(part in whole for part in parts) for parts in query.literals()), text
        assert ask(query.text(BERLIN)) == query, text


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(events=EVENTS, texts=st.lists(QUERIES, min_size=1, max_size=6))
def test_the_database_finds_what_the_predicate_finds(connection: Any, events: list[Event], texts: list[str]) -> None:
    check_alike(connection, events, texts)


@pytest.mark.long
@pytest.mark.beside
@pytest.mark.timeout(400)
@settings(max_examples=600, suppress_health_check=list(HealthCheck))
@given(events=EVENTS, texts=st.lists(QUERIES, min_size=1, max_size=6))
def test_it_finds_it_in_many_more_examples(connection: Any, events: list[Event], texts: list[str]) -> None:
    check_alike(connection, events, texts)


@pytest.mark.parametrize(("text", "fields"), [*FOUND, *NOT_FOUND])
def test_the_database_answers_each_example(connection: Any, text: str, fields: dict) -> None:
    asked = event(**{"id": NOW, **fields})
    store(connection, [asked])
    expected = [asked.id] if (text, fields) in FOUND else []
    assert found(connection, ask(text), by_index=False) == expected
    assert found(connection, ask(text), by_index=True) == expected


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(texts=st.lists(COLOURED, min_size=1, max_size=20))
def test_both_leave_the_same_colours_out(connection: Any, texts: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {uncoloured('text')} FROM unnest(%s::text[]) WITH ORDINALITY AS t (text, n) ORDER BY n", [texts]
        )
        assert [text for (text,) in cursor] == [without_colours(text) for text in texts]


def test_every_code_point_folds_as_in_the_database(connection: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT code, lower(chr(code) COLLATE "pg_c_utf8") FROM generate_series(1, 1114111) code'
            ' WHERE code NOT BETWEEN 55296 AND 57343 AND lower(chr(code) COLLATE "pg_c_utf8") <> chr(code)'
        )
        theirs = {code: ord(text) for code, text in cursor}
    ours = {code: ord(fold(chr(code))) for code in range(0x110000) if fold(chr(code)) != chr(code)}
    assert ours == theirs == folded_codes()


def test_a_text_folds_whatever_stands_around_it(connection: Any) -> None:
    text = "".join(f"{chr(a)}{chr(b)}" for a in (0x3A3, 0x130, 0x1F88, 0x41) for b in folded_codes())
    with connection.cursor() as cursor:
        cursor.execute('SELECT lower(%s COLLATE "pg_c_utf8")', [text])
        assert cursor.fetchone() == (fold(text),)


INDEXED = [
    "Word", "one two", "-'not this' but", "program:app", "sender:web*", "message:/us[e]rs/", "aaa OR bbb",
    "msgid:Word", 'structured_data:"one two"', "procid:=471",
    "status:500", "took:>5", "user.id:*", "took:>5 word", "request_id:=a1b2", "-x .host:web*", "msg:/(alpha|beta)gam/",
]  # fmt: skip


@pytest.mark.parametrize("text", [*INDEXED, "/(alpha|beta)gamma[0-9]+/"])
def test_a_search_for_text_uses_the_index(connection: Any, text: str) -> None:
    store(connection, [event("x", id=NOW)])
    condition, parameters = ask(text).sql()
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SET enable_indexscan = off")
        cursor.execute(f"EXPLAIN SELECT FROM event WHERE {condition}", parameters)
        plan = "\n".join(row[0] for row in cursor)
        cursor.execute("RESET enable_indexscan")
    assert "Bitmap Index Scan" in plan, plan
    assert "Index Cond" in plan, plan


HOSTILE = ["'; DROP TABLE event; --", "\\'; SELECT 1", "%s %(a)s %%", "$$", "E'\\x00'", "\u202e' OR true", "*" * 300]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("prefix", ["", "message:", "-sender:"])
def test_hostile_text_is_only_text(connection: Any, text: str, prefix: str) -> None:
    query = ask(prefix + canonical(ask('"x"').tree).replace("x", '"' + text.replace('"', '""') + '"'))
    events = [event(f"before {text} after", id=NOW), event("other", id=NOW + 1)]
    store(connection, events)
    assert found(connection, query, by_index=False) == [each.id for each in events if query.predicate()(each)]


LARGE = [
    "ab " * 200,
    "/(a?){90}a{90}/",
    "/((a|b|c){1,8}x){1,8}/",
    r"/(\w{1,8}x){1,8}/",
    "/((((a{1,3}b){1,3}c){1,3}d){1,3})/",
    "/(a|b)*a(a|b){100}c/",
    "/" + "(.*x)" * 100 + "/",
    "message:" + "*a" * 5_000,
    "(" * 50 + "a" + ")" * 50,
]


@pytest.mark.parametrize("text", LARGE)
def test_queries_at_the_limits_are_answered_alike_by_both(connection: Any, text: str) -> None:
    events = [event("ab" * 2_000, id=NOW), event("c" * 2_000, id=NOW + 1)]
    store(connection, events)
    query = ask(text)
    assert found(connection, query, by_index=False) == [each.id for each in events if query.predicate()(each)]


def test_an_older_database_folds_by_its_own_collation(connection: Any) -> None:
    events = [event("ÄB 50%", id=NOW), event("other", id=NOW + 1)]
    store(connection, events)
    text, parameters = ask("äb program:ngi* /5[0]%/").sql(collation=None)
    assert "COLLATE" not in text
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM event WHERE {text}", parameters)
        assert cursor.fetchall() == [(NOW,)]
