"""Hints on words that look like syntax: a query gives them, and searches for the words literally."""

from __future__ import annotations

import pytest

from ppl.search.hints import MOST_HINTS
from tests.search.asking import ask

HINTS = {
    "x -loglevel:error": "loglevel: looks for a field of this name; the attribute is severity:.",
    "_msg:SIX": "_msg: looks for a field of this name; the attribute is message:.",
    'a |= "SIX"': "|= is searched for as text: words and phrases need no operator before them.",
    "+end": "+end is searched for as text: all words must be there already, so leave out the +.",
    "user_id=42": "user_id=42 is searched for as text: to look in fields, write a colon after user_id.",
    "a || b": "|| is searched for as text: the operator is OR.",
    "*SIX*": "* is an ordinary character in *SIX*: words match anywhere in a text already, so leave it out.",
    "pid:4711": "pid: looks for a field of this name; the attribute is procid:.",
    "hots:web": "hots: looks for a field of this name; the attribute is host:.",
    "timed*": "* is an ordinary character in timed*: words match anywhere in a text already, so leave it out.",
    'host:"web-*"': "In quotes, * is an ordinary character: without quotes, web-* is a pattern.",
    "a or b": "or is searched for as text: the operator is OR.",
    "a && b": "&& is searched for as text: the operator is AND.",
    "!health": "!health is searched for as text: to exclude a word, put - before it.",
    "--force": '--force excludes the text -force: to find --force, write "--force".',
    "timed.*out": "timed.*out is searched for as text: put a regular expression between slashes, as in /a.*b/.",
    "(a|b)": "a|b is searched for as text: put a regular expression between slashes, as in /a.*b/.",
    r"C:\Users\*.log": r"C: is searched for in fields: to find the text C:\Users\*.log itself, put it in quotes.",
    "-foo:bar*": "foo: is searched for in fields: to find the text foo:bar* itself, put it in quotes.",
    "urn:a:*": "urn: is searched for in fields: to find the text urn:a:* itself, put it in quotes.",
    "arn:aws:s3:::bucket/* x": (
        "arn: is searched for in fields: to find the text arn:aws:s3:::bucket/* itself, put it in quotes."
    ),
    "foo:=x": "foo: is searched for in fields: to find the text foo:=x itself, put it in quotes.",
    "(foo:>5)": "foo: is searched for in fields: to find the text foo:>5 itself, put it in quotes.",
    "foo:/bar/": "foo: is searched for in fields: to find the text foo:/bar/ itself, put it in quotes.",
    "level:Eror": "level: looks for a field with Eror; the severity is error.",
    "level:(info >=warnin)": "level: looks for a field with >=warnin; the severity is warning.",
    "“time out": "“ is searched for as text, as no closing quote follows: put phrases in \" or '.",
}


@pytest.mark.parametrize(("text", "message"), HINTS.items())
def test_text_that_looks_like_syntax_gets_a_hint(text: str, message: str) -> None:
    assert message in [each.message for each in ask(text).hints]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "error",
        "host:web-* severity:>=err -program:(a b)",
        '"timed*" "status:500" \'a or b\'',
        "/timed.*out/ message:/a|b/",
        "12:30 http://example.com/a fe80::1 std::string C:\\x Error: a - b",
        'host:="a*"',
        "OR-gate it's",
        "level:error “time out” a==b a=>b",
        "status:500 .user.id:>=7 .hosts:a -trace_id:* a:(b* >5) user:'b",
        "level:audit level:trace level:30 level:>=30 level:e* level:/eror/ .level:eror",
    ],
)
def test_a_query_that_means_what_it_looks_like_gets_no_hint(text: str) -> None:
    assert ask(text).hints == ()


def test_a_hint_says_where_and_there_are_few() -> None:
    (hint,) = ask("👍 line -hostname:a x").hints
    assert hint.position == 8
    assert len(ask("a* " * 50).hints) == MOST_HINTS


def test_a_hint_of_a_long_word_is_short() -> None:
    (hint,) = ask("a*" * 4000).hints
    assert len(hint.message) < 200


def test_queries_of_one_meaning_are_equal_whatever_their_hints() -> None:
    assert ask("timed*") == ask('"timed*"')
