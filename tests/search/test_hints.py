"""What is written like syntax and is none: a query says so, and means what it means without that."""

from __future__ import annotations

import pytest

from ppl.search.hints import MOST_HINTS
from tests.search.asking import ask

HINTS = {
    "status:500": "status: is no attribute. It is searched as text.",
    "x -level:error": "level: is no attribute, severity: is. It is searched as text.",
    "hots:web": "hots: is no attribute, host: is. It is searched as text.",
    "timed*": "* is a plain star in timed*: words are fragments already, so leave it out.",
    'host:"web-*"': "In quotes * is a plain star: without them web-* is a pattern.",
    "a or b": "or is searched as text: the operator is OR.",
    "a && b": "&& is searched as text: the operator is AND.",
    "!health": "!health is searched as text: - before a word leaves it out.",
    "--force": '--force leaves out the text -force: to find it, write "--force".',
    "timed.*out": "timed.*out is searched as text: a regular expression stands between slashes, as in /a.*b/.",
    "(a|b)": "a|b is searched as text: a regular expression stands between slashes, as in /a.*b/.",
    "“time out”": "“ is no quote here: a phrase stands in \" or '.",
}


@pytest.mark.parametrize(("text", "message"), HINTS.items())
def test_what_looks_like_syntax_and_is_text_says_so(text: str, message: str) -> None:
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
    ],
)
def test_what_means_what_it_looks_like_has_no_hint(text: str) -> None:
    assert ask(text).hints == ()


def test_a_hint_says_where_and_there_are_few() -> None:
    (hint,) = ask("👍 line -status:500 x").hints
    assert hint.position == 8
    assert len(ask("a* " * 50).hints) == MOST_HINTS


def test_a_hint_of_a_long_word_is_short() -> None:
    (hint,) = ask("a*" * 4000).hints
    assert len(hint.message) < 200


def test_queries_of_one_meaning_are_equal_whatever_is_hinted() -> None:
    assert ask("timed*") == ask('"timed*"')
