"""What queries mean: Papertrail's published syntax, and what Ppl adds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.model import SEVERITY_WORDS
from ppl.search.canonical import canonical, exact, exact_field, quoted
from ppl.search.errors import QueryError
from ppl.search.regex.parser import parse_regex
from ppl.search.tree import (
    And,
    Contains,
    Everything,
    Exact,
    Field,
    FieldExact,
    FieldGlob,
    FieldNumber,
    FieldRegex,
    FieldWord,
    Not,
    Or,
    Severity,
)  # fmt: skip
from tests.search.asking import BERLIN, ask, event, matches
from tests.search.examples import FOUND, NOT_FOUND


def word(text: str, field: Field = Field.ANY) -> Contains:
    return Contains(field, text)


A, B, C = word("a"), word("b"), word("c")

TREES = {
    "": Everything(),
    "  \n ": Everything(),
    "a": A,
    "a b c": And((A, B, C)),
    "a AND b": And((A, B)),
    "a and b": And((A, word("and"), B)),
    "a OR b": Or((A, B)),
    "a b OR c": Or((And((A, B)), C)),
    "a (b OR c)": And((A, Or((B, C)))),
    "(a b) c": And((A, B, C)),
    "-a b": And((Not(A), B)),
    "NOT a b": And((Not(A), B)),
    "NOT NOT a": A,
    "-(a OR b)": Not(Or((A, B))),
    "NOT(a OR b)": Not(Or((A, B))),
    "-'a b'": Not(word("a b")),
    "a - b": And((A, word("-"), B)),
    "--a": Not(word("-a")),
    "'a \"b\"'": word('a "b"'),
    '"it\'s"': word("it's"),
    '"a ""b"" c"': word('a "b" c'),
    "it's": word("it's"),
    "“a b”": word("a b"),
    "-„a b“ „c” «a b»": And((Not(word("a b")), word("c"), word("a b"))),
    "‘it’s a’ ‚b‘": And((word("it’s a"), word("b"))),
    "host:“a b” host:=“a b”": And((word("a b", Field.HOST), Exact(Field.HOST, "a b"))),
    "“a it’s": And((word("“a"), word("it’s"))),
    "“a”b": word("“a”b"),
    "level:error": Or((Severity(3, 3), FieldWord("level", "error"))),
    "-level:(err 30)": Not(Or((Severity(3, 3), FieldWord("level", "err"), FieldWord("level", "30")))),
    "level:e*": Or((Severity(0, 0), Severity(3, 3), FieldGlob("level", "e*"))),
    "level:=error": Severity(3, 3),
    "level:='a b'": FieldExact("level", "a b"),
    "level:>=30": FieldNumber("level", ">=", "30"),
    "level:>0": FieldNumber("level", ">", "0"),
    "level:eror": FieldWord("level", "eror"),
    "level:/x/": FieldRegex("level", parse_regex("x")),
    "LEVEL:>=warn": Severity(0, 4),
    "'a'b": And((A, B)),
    "a\u00a0b": And((A, B)),
    "12:30 http://a": And((word("12:30"), word("http://a"))),
    "50%_\\": word("50%_\\"),
    "program:a": word("a", Field.PROGRAM),
    "file:a": word("a", Field.PROGRAM),
    "Program:a": word("a", Field.PROGRAM),
    "sender:a:b": word("a:b", Field.SENDER),
    "host:-a": word("-a", Field.HOST),
    "-host:a": Not(word("a", Field.HOST)),
    "message:'a b'": word("a b", Field.MESSAGE),
    "program:(a OR b)": Or((word("a", Field.PROGRAM), word("b", Field.PROGRAM))),
    "program:(a b)": Or((word("a", Field.PROGRAM), word("b", Field.PROGRAM))),
    "program:(a AND b)": And((word("a", Field.PROGRAM), word("b", Field.PROGRAM))),
    "program:(a b -c)": And(
        (Or((word("a", Field.PROGRAM), word("b", Field.PROGRAM))), Not(word("c", Field.PROGRAM)))
    ),
    "program:(a (b AND c))": Or(
        (word("a", Field.PROGRAM), And((word("b", Field.PROGRAM), word("c", Field.PROGRAM))))
    ),
    'program:"a*"': word("a*", Field.PROGRAM),
    "host:=a": Exact(Field.HOST, "a"),
    "-FILE:=A": Not(Exact(Field.PROGRAM, "A")),
    "host:='a (b)' c": And((Exact(Field.HOST, "a (b)"), C)),
    'message:="say ""a"""': Exact(Field.MESSAGE, 'say "a"'),
    'host:="a*"': Exact(Field.HOST, "a*"),
    'host:=""': Exact(Field.HOST, ""),
    "host:==a": Exact(Field.HOST, "=a"),
    "host:=-a": Exact(Field.HOST, "-a"),
    "host:=/a/": Exact(Field.HOST, "/a/"),
    'host:"=a"': word("=a", Field.HOST),
    "sender:(=a b -=c)": And(
        (Or((Exact(Field.SENDER, "a"), word("b", Field.SENDER))), Not(Exact(Field.SENDER, "c")))
    ),
    "=a": word("=a"),
    "host:a=b": word("a=b", Field.HOST),
    "program:(production.log staging.log) '\"action\"=>\"index\"' -(\"count(*)\" OR abc)": And(
        (
            Or((word("production.log", Field.PROGRAM), word("staging.log", Field.PROGRAM))),
            word('"action"=>"index"'),
            Not(Or((word("count(*)"), word("abc")))),
        )
    ),
    "severity:err": Severity(3, 3),
    "severity:>=warn": Severity(0, 4),
    "severity:>warn": Severity(0, 3),
    "severity:<=warn": Severity(4, 7),
    "severity:<warn": Severity(5, 7),
    "severity:=3": Severity(3, 3),
    "severity:*": Severity(0, 7),
    "severity:(err crit)": Or((Severity(3, 3), Severity(2, 2))),
    "severity:e*": Or((Severity(0, 0), Severity(3, 3))),
    "/var/log/a": word("/var/log/a"),
    "status:500": FieldWord("status", "500"),
    "-user.id:a": Not(FieldWord("user.id", "a")),
    'msg:"a b"': FieldWord("msg", "a b"),
    "status:(4 5 -x)": And((Or((FieldWord("status", "4"), FieldWord("status", "5"))), Not(FieldWord("status", "x")))),
    "a:b:c": FieldWord("a", "b:c"),
    "a:=B": FieldExact("a", "B"),
    'a:=""': FieldExact("a", ""),
    "a:b*": FieldGlob("a", "b*"),
    "a:*": FieldGlob("a", "*"),
    'a:"b*"': FieldWord("a", "b*"),
    "a:>=5": FieldNumber("a", ">=", "5"),
    "a:<1.5ms": FieldNumber("a", "<", "1.5ms"),
    "a:>b": FieldWord("a", ">b"),
    'a:">5"': FieldWord("a", ">5"),
    'a:":b"': FieldWord("a", ":b"),
    "a:(:b*)": FieldGlob("a", ":b*"),
    "-a:(//b*)": Not(FieldGlob("a", "//b*")),
    ".level:(:b* //c*)": Or((FieldGlob("level", ":b*"), FieldGlob("level", "//c*"))),
    'user:"bob c': And((FieldWord("user", '"bob'), C)),
    "it:'s": FieldWord("it", "'s"),
    "it:('s) c": And((FieldWord("it", "'s"), C)),
    'user:="b*': FieldExact("user", '"b*'),
    "it:'b*": FieldWord("it", "'b*"),
    ".host:a": FieldWord("host", "a"),
    ".Level:a": FieldWord("Level", "a"),
    ".status:500": FieldWord("status", "500"),
    "'status:500'": word("status:500"),
    "program:(status:500)": word("status:500", Field.PROGRAM),
    "@timestamp:a x-y:b": And((FieldWord("@timestamp", "a"), FieldWord("x-y", "b"))),
    "std::string a:// a: fe80::1": And((word("std::string"), word("a://"), word("a:"), word("fe80::1"))),
    f"{'a' * 257}:b": word(f"{'a' * 257}:b"),
    "a: b": And((word("a:"), B)),
}  # fmt: skip


@pytest.mark.parametrize("text", TREES)
def test_a_query_means(text: str) -> None:
    assert ask(text).tree == TREES[text]


@pytest.mark.parametrize("text", TREES)
def test_a_tree_as_text_means_the_same(text: str) -> None:
    assert ask(canonical(TREES[text])).tree == TREES[text]


@pytest.mark.parametrize("name", ["warn", "warning", "WARNING", "4"])
def test_a_severity_has_several_names(name: str) -> None:
    assert ask(f"severity:{name}").tree == Severity(4, 4)


@pytest.mark.parametrize(("alias", "number"), SEVERITY_WORDS.items())
def test_severities_have_the_names_people_use(alias: str, number: int) -> None:
    assert ask(f"severity:{alias}").tree == Severity(number, number)


@pytest.mark.parametrize(("text", "fields"), FOUND)
def test_a_query_finds(text: str, fields: dict) -> None:
    assert matches(text, **fields)
    assert not matches(f"-({text})", **fields)


@pytest.mark.parametrize(("text", "fields"), NOT_FOUND)
def test_a_query_does_not_find(text: str, fields: dict) -> None:
    assert not matches(text, **fields)


# The position, and a part of the text that says what was expected there.
ERRORS = {
    "(a": (2, "closing parenthesis of the group at character 1"),
    "a)": (1, "opening parenthesis"),
    "foo()": (4, "goes in quotes"),
    "a OR": (4, "a word"),
    "OR a": (0, "before OR"),
    "a AND OR b": (6, "before OR"),
    "NOT": (3, "a word"),
    "-(": (2, "a word"),
    "a 'b c": (6, "closing ' of the phrase at character 3"),
    'a ""': (3, "within the quotes"),
    "program:": (8, "value directly after program:"),
    "program: a": (8, "value directly after program:"),
    "a program:(b file:c)": (13, '"file:" in quotes'),
    "host:=": (6, "directly after ="),
    "host:= a": (6, "directly after ="),
    "host:=(a b)": (6, "directly after ="),
    "host:=web-*": (6, "without ="),
    'host:="a': (8, 'closing " of the phrase at character 7'),
    "severity:bad": (9, "a severity: emerg"),
    "severity:>emerg": (9, "above"),
    "severity:<debug": (9, "below"),
    "level:>emerg": (6, "above"),
    "level:<Debug": (6, "below"),
    'level:"a': (8, 'closing " of the phrase at character 7'),
    "severity:8": (9, "a severity"),
    "severity:/a/": (10, "a severity"),
    "facility:bad": (9, "a facility: kern"),
    "facility:24": (9, "a facility"),
    "ip:bad": (3, "an address"),
    "ip:fe80::1%eth0": (3, "an address"),
    "ip:192.0.2.0/33": (3, "an address"),
    "before:soon": (7, "a time such as"),
    "after:'3000 years ago'": (7, "between the years 1970 and 9999"),
    "after:0001-01-01": (6, "between the years 1970 and 9999"),
    "a /b**/": (5, "no second repetition"),
    "/(a/": (1, "closing parenthesis of this group"),
    "/a)/": (2, "opening parenthesis"),
    "/[a/": (1, "closing ]"),
    "/[b-a]/": (2, "range"),
    "/[[:bad:]]/": (2, "class"),
    r"/(a)\1/": (4, "back-reference"),
    r"/a\bc/": (2, "word boundary"),
    r"/a (\bb)/": (4, "word boundary"),
    r"/\b.a/": (1, "word boundary"),
    r"/\b/": (1, "word boundary"),
    r"/\Ma/": (1, "word boundary"),
    r"/a\m/": (2, "word boundary"),
    r"/\ba?/": (1, "word boundary"),
    r"/a\b+/": (4, "something to repeat"),
    r"/\Ba/": (1, "escape"),
    "/(?=a)/": (1, "look-around"),
    "/(?s)a/": (1, "look-around and options"),
    "/a(?i)b/": (2, "look-around and options"),
    "/(?i)a{2,1}/": (6, "0 to 255"),
    "/a{1,256}/": (2, "0 to 255"),
    "/a{2,1}/": (2, "0 to 255"),
    "/(a{250}){250}/": (1, "written out"),
    "/\\q/": (1, "escape"),
    "/*a/": (1, "something to repeat"),
    "/a\x01/": (2, "can occur"),
    f"/{'a' * 1001}/": (1001, "at most 1000"),
    f"/{'(' * 21}a{')' * 21}/": (21, "at most 20 nested groups"),
    "a\0": (1, "not NUL"),
    "\udc00": (0, "half a surrogate pair"),
    "(" * 200 + "a" + ")" * 200: (50, "at most 50 nested groups"),
    "a " * 1000: (400, "at most 200"),
    "a" * 10_241: (10_240, "at most 10240"),
}


@pytest.mark.parametrize("text", ERRORS)
def test_an_error_names_its_position_and_what_was_expected(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        ask(text)
    position, expected = ERRORS[text]
    assert (caught.value.position, caught.value.code) == (position, "bad_query")
    assert expected in caught.value.expected
    assert f"character {position + 1} " in str(caught.value)


LARGE = {
    "10 KB of one word": "x" * 10_240,
    "the most words": "ab " * 200,
    "the deepest nesting": "(" * 50 + "a" + ")" * 50,
    "negations up to the longest query": "NOT " * 2_500 + "a",
    "quotes": "'" + '"' * 10_000 + "'",
    "slashes": "/a " * 199,
    "stars": "message:" + "*a" * 5_000,
    "right-to-left marks": "\u202eabc\u200f \u2067x",
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_or_strange_query_has_an_answer(name: str) -> None:
    query = ask(LARGE[name])
    query.predicate()(event("a" * 100_000))
    assert query == ask(query.text()) or name == "negations up to the longest query"
    assert query.sql()[0]


@settings(max_examples=500)
@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(
                ["(", ")", "-", "'", '"', "/", "\\", "*", " ", "a", "OR", "AND", "NOT", "program:", "severity:",
                 ">=", "err", "before:", "ip:", "1", ".", "{", "}", "[", "]", "|", "+", "?", "^", "$", "ago", ":", ",",
                 "a.b:", ".host:", "level:", ">", "7ms"]
            ),
            max_size=25,
        ).map("".join),
    )
)  # fmt: skip
def test_any_text_is_a_query_or_a_query_error(text: str) -> None:
    try:
        query = ask(text)
    except QueryError as caught:
        error = caught
    else:
        error = None
    if error is not None:
        assert 0 <= error.position <= len(text)
        return
    query.sql()
    query.predicate()
    assert ask(query.text(BERLIN)) == query


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30))
def test_any_text_can_be_quoted(text: str) -> None:
    assert ask(quoted(text)).tree == word(text)
    assert ask(canonical(word(text, Field.MESSAGE))).tree == word(text, Field.MESSAGE)
    assert ask(exact(Field.HOST, text)).tree == Exact(Field.HOST, text)
    assert ask(canonical(Not(word(text)))).tree == Not(word(text))
    for name in ("status", "host", "Level"):
        assert ask(canonical(FieldWord(name, text))).tree == FieldWord(name, text)
        assert ask(exact_field(name, text)).tree == FieldExact(name, text)
    assert ask(exact_field("a b", text)).tree == word(text)


def test_times_in_a_query_bound_the_ids() -> None:
    day = 86_400_000_000
    start, end = ask("after:2026-11-20 x").id_bounds()
    assert ask("after:2026-11-20 before:2026-11-21").id_bounds() == (start, start + day)
    assert ask("-(before:2026-11-20 OR NOT before:2026-11-21)").id_bounds() == (start, start + day)
    assert ask("(after:2026-11-20 a) OR (after:2026-11-19 b)").id_bounds() == (start - day, end)
    assert ask("after:2026-11-20 OR a").id_bounds() == (0, end)
    low, high = ask("after:2026-11-21 before:2026-11-20").id_bounds()
    assert low == high


def test_every_match_contains_the_literals() -> None:
    assert ask("Foo -bar program:baz*qux").literals() == tuple(frozenset([x]) for x in ("foo", "baz", "qux"))
    assert ask("foo OR (barbaz x)").literals() == (frozenset({"foo", "barbaz"}),)
    assert ask("foo OR -bar").literals() == ()
    assert ask('host:=Web-1 -host:=b program:=""').literals() == (frozenset({"web-1"}),)
    assert ask("/Foo+bar[0-9](baz|quux)?x(one|three)/").literals() == tuple(
        map(frozenset, [{"foo"}, {"obar"}, {"x"}, {"one", "three"}])
    )


def test_a_catastrophic_expression_is_only_slow() -> None:
    line = "a" * 100_000  # backtracking would take practically forever
    for text in ["/(a+)+b/", "/(a|a)*b/", "/(a*)*b/", "/a*a*a*a*a*a*b/", "/(.*a){90}b/", "/(a?){90}a{90}b/"]:
        assert not matches(f"message:{text}", message=line)
        assert not matches(f"message:{text.replace('b', '[bx]')}", message=line)


def test_a_query_without_bounds_keeps_all_but_its_times() -> None:
    def left(text: str) -> str:
        return ask(text).without_bounds.text()

    assert left("after:2026-11-23 a before:2026-11-24 -b") == "a -b"
    assert left("after:2026-11-23") == ""
    assert left("a OR after:1790000000") == ask("a OR after:1790000000").text()
    assert left("") == ""
