"""A parsed query and all that can be made of it: what the store, the viewer and the page ask for.

``parse(text, zone, now)`` raises :class:`~ppl.search.errors.QueryError` or gives a :class:`Query`.
"""

from __future__ import annotations

from datetime import UTC, tzinfo

import attrs

from ppl.search import literals, sql
from ppl.search.canonical import canonical
from ppl.search.hints import Hint
from ppl.search.language import parse_query
from ppl.search.match import Predicate, predicate
from ppl.search.tree import And, Before, Everything, Node, Not, Or, Since, conjunction

HIGHEST_ID = (1 << 63) - 1


@attrs.frozen
class Query:
    """What somebody searches for. Queries of the same meaning, as far as the tree shows it, are equal.

    Attributes:
        tree: what it means.
        hints: what in its text is written like syntax and is searched for as text.
    """

    tree: Node
    hints: tuple[Hint, ...] = attrs.field(default=(), eq=False)

    @property
    def is_everything(self) -> bool:
        """Whether it was empty."""
        return isinstance(self.tree, Everything)

    def sql(self, collation: str | None = sql.UNICODE_COLLATION) -> sql.Condition:
        """The condition over table ``event``, with ``%s`` for its parameters, and these. See ``ppl.search.sql``."""
        return sql.condition(self.tree, collation)

    def predicate(self) -> Predicate:
        """A function that tells whether an event matches, as the condition does. See ``ppl.search.match``."""
        return predicate(self.tree)

    def id_bounds(self) -> tuple[int, int]:
        """``(first, end)``: what matches has ``first <= id < end``. The walk over slots need not leave them."""
        return _bounds(self.tree, False)

    @property
    def without_bounds(self) -> Query:
        """The query without the times that bound all of it, which :meth:`id_bounds` has."""
        nodes = self.tree.nodes if isinstance(self.tree, And) else (self.tree,)
        left = [each for each in nodes if not isinstance(each, Since | Before)]
        return Query(conjunction(left) if left else Everything())

    def literals(self) -> tuple[frozenset[str], ...]:
        """What an index is asked for: of each set at least one folded text occurs in whatever matches."""
        return literals.literals(self.tree)

    def text(self, zone: tzinfo = UTC) -> str:
        """The query in its canonical form, times in ``zone``; it parses to an equal query."""
        return canonical(self.tree, zone)


def parse(text: str, zone: tzinfo, now: int) -> Query:
    """``text`` as a query.

    Args:
        text: in the language of ``docs/search.rst``.
        zone: the reader's, of times that name none.
        now: the present in µs, which ``3 hours ago`` refers to.

    Raises:
        QueryError: a sentence with the position and what was expected there.
    """
    return Query(*parse_query(text, zone, now))


def _bounds(node: Node, is_refused: bool) -> tuple[int, int]:
    if isinstance(node, Not):
        return _bounds(node.node, not is_refused)
    if isinstance(node, Since):
        return (0, node.time) if is_refused else (node.time, HIGHEST_ID)
    if isinstance(node, Before):
        return (node.time, HIGHEST_ID) if is_refused else (0, node.time)
    if not isinstance(node, And | Or):
        return 0, HIGHEST_ID
    first, end = zip(*(_bounds(each, is_refused) for each in node.nodes), strict=True)
    if isinstance(node, And) != is_refused:
        return max(first), max(max(first), min(end))
    return min(first), max(end)
