"""The page's reading of a query (``query.js``) against the server's: the same queries, taken apart and put together.

The page is lenient: it shows the terms of whatever is typed. Where the server accepts a query, both must mean the same.
"""

from __future__ import annotations

import json
import random
import subprocess
from typing import Any

import pytest

from ppl.search.errors import QueryError
from ppl.search.tree import Contains, Everything, Exact, Node, Not, conjunction, negation
from tests.fixtures.programs import program
from tests.fixtures.running import ROOT
from tests.search.asking import ask
from tests.search.examples import FOUND, NOT_FOUND
from tests.search.test_language import TREES

_PARTS = (
    "a", "b c", "-", "--a", "NOT ", "NOT", " OR ", " AND ", " ", " ", "(", ")", '"a b"', "'it''s'", '"a ""b"""',
    "host:", "host:=", "program:(", "severity:err", "severity:>=warn", "ip:192.0.2.0/24", "/b[ao]r+/",
    "after:'2 hours ago'",
    "/a\\/b/", "/var/log", "=x", "a*", "host:w*b", "msgid:(", "procid:=",
    "structured_data:", "message:'a*'", "it's", "or", "FILE:=A", "12:30", "host:\"=a\"",
    "status:\"", "a:'s", "status:", ".host:", "a.b:>=", "x:/b/", "a::b", "status:(a -b)",
    "status:=", "“a b”", "„a“", "«b", "level:err", "level:=", "‘it’s’", "host:=“", "”",
)  # fmt: skip


def accepted(query: str) -> Node | None:
    """The tree of ``query``, ``None`` where the server refuses it."""
    try:
        return ask(query).tree
    except QueryError:
        return None


def _queries() -> list[str]:
    drawn = random.Random(7)
    made = ["".join(drawn.choices(_PARTS, k=drawn.randint(1, 7))) for _ in range(4000)]
    known = [*TREES, *(text for text, _ in [*FOUND, *NOT_FOUND])]
    return list(dict.fromkeys(query for query in [*known, *made] if accepted(query) is not None))


@pytest.fixture(scope="module")
def read() -> dict[str, list[dict[str, Any]]]:
    """Query → its terms, as the page reads it."""
    queries = _queries()
    script = str(ROOT / "tests/search/terms.mjs")
    done = subprocess.run(
        [program("node"), script], input=json.dumps(queries), capture_output=True, text=True, timeout=60, check=True
    )
    assert len(queries) > 500
    return dict(zip(queries, json.loads(done.stdout), strict=True))


def test_the_terms_side_by_side_are_the_query(read: dict[str, list[dict[str, Any]]]) -> None:
    for query, terms in read.items():
        # Python counts code points, JavaScript UTF-16 units: the text itself is compared.
        parts = [accepted(each["text"]) for each in terms]
        assert None not in parts, (query, terms)
        together = conjunction([part for part in parts if part is not None]) if parts else Everything()
        assert together == accepted(query), (query, terms)


def test_a_term_excludes_where_the_server_negates_it(read: dict[str, list[dict[str, Any]]]) -> None:
    for query, terms in read.items():
        for each in terms:
            tree = accepted(each["text"])
            # A group of one term is what that term is.
            if isinstance(tree, Contains | Exact | Not) and not each["parts"]:
                assert each["isExcluded"] == isinstance(tree, Not), (query, each)


def test_a_value_is_what_the_server_looks_for(read: dict[str, list[dict[str, Any]]]) -> None:
    seen = 0
    for query, terms in read.items():
        for each in terms:
            tree = accepted(each["text"])
            bare = negation(tree) if isinstance(tree, Not) else tree
            if not isinstance(bare, Contains | Exact) or each["parts"]:
                continue
            assert each["isExact"] == isinstance(bare, Exact), (query, each)
            assert each["value"] == bare.text, (query, each)
            assert accepted(each["written"]) == tree, (query, each)
            seen += 1
    assert seen > 300


def test_a_query_without_a_term_is_that_of_the_others(read: dict[str, list[dict[str, Any]]]) -> None:
    for query, terms in read.items():
        for number, each in enumerate(terms):
            others = [accepted(other["text"]) for at, other in enumerate(terms) if at != number]
            left = conjunction([part for part in others if part is not None]) if others else Everything()
            assert accepted(each["without"]) == left, (query, each)
