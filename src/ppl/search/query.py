"""A parsed query and what the store, the viewer and the pages derive from it: SQL, a predicate, id bounds, text.

``parse(text, zone, now)`` returns a :class:`Query` or raises :class:`~ppl.search.errors.QueryError`.
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
    """A parsed query. Queries with equal trees are equal.

    Attributes:
        tree: its meaning.
        hints: places where its text looks like syntax but is searched for literally.
    """

    tree: Node
    hints: tuple[Hint, ...] = attrs.field(default=(), eq=False)

    @property
    def is_everything(self) -> bool:
        """Whether the query is empty and so matches every event."""
        return isinstance(self.tree, Everything)

    def sql(self, collation: str | None = sql.UNICODE_COLLATION) -> sql.Condition:
        """The condition over table ``event``, with ``%s`` placeholders, and its parameters. See ``ppl.search.sql``."""
        return sql.condition(self.tree, collation)

    def predicate(self) -> Predicate:
        """A function that tells whether an event matches, equivalent to :meth:`sql`. See ``ppl.search.match``."""
        return predicate(self.tree)

    def id_bounds(self) -> tuple[int, int]:
        """``(first, end)``: every match has ``first <= id < end``. The walk over slots may stay within these bounds."""
        return _bounds(self.tree, False)

    @property
    def without_bounds(self) -> Query:
        """The query without its top-level time bounds, which :meth:`id_bounds` covers."""
        nodes = self.tree.nodes if isinstance(self.tree, And) else (self.tree,)
        left = [each for each in nodes if not isinstance(each, Since | Before)]
        return Query(conjunction(left) if left else Everything())

    def literals(self) -> tuple[frozenset[str], ...]:
        """The terms for an index: every match contains at least one folded text of each set."""
        return literals.literals(self.tree)

    def text(self, zone: tzinfo = UTC) -> str:
        """The query in canonical form, with times in ``zone``; it parses to an equal query."""
        return canonical(self.tree, zone)


def parse(text: str, zone: tzinfo, now: int) -> Query:
    """``text`` as a query.

    Args:
        text: in the language of ``docs/search.rst``.
        zone: the reader's zone, for times that name none.
        now: the present in µs, for times such as ``3 hours ago``.

    Raises:
        QueryError: ``text`` cannot be parsed; it names the position and what was expected there.
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
