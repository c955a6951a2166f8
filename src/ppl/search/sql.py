"""A tree as an SQL condition over the columns of table ``event``, with every text as a bound parameter (``%s``).

One trigram index serves every text search: it is on :func:`searched`, which joins all texts of an event to one folded
text, the message without colours. A condition on one field is repeated on that text, so that the index can serve it.
Named fields (``status:500``) are read by ``event_field`` (migration 0016), from the few events that the index leaves.

Case is folded by ``lower`` with an explicit collation, ``pg_c_utf8``, so that every database gives the same answer as
``ppl.search.regex.folding``. Before PostgreSQL 17, which introduced that collation, the database's own is
used, and letters beyond ASCII fold by its rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from ppl.search.colours import uncoloured
from ppl.search.literals import Alternatives, literals, literals_of_name, literals_of_value
from ppl.search.quantity import in_full, measured, parse_quantity
from ppl.search.regex.charset import SEPARATOR
from ppl.search.regex.engines import for_postgresql
from ppl.search.regex.words import LONGEST_WORDS, whole_words
from ppl.search.tree import (
    And,
    Before,
    Contains,
    Everything,
    Exact,
    Facility,
    Field,
    FieldExact,
    FieldGlob,
    FieldNumber,
    FieldRegex,
    FieldWord,
    Glob,
    InField,
    InNetwork,
    Node,
    Not,
    Or,
    Regex,
    Severity,
    Since,
    split_words,
    with_joint_refusal,
    written,
)  # fmt: skip

UNICODE_COLLATION = "pg_c_utf8"
"""The collation that folds case like ``ppl.search.regex.folding``; from PostgreSQL 17."""
UNICODE_COLLATION_SINCE = 170_000
"""The first ``server_version`` with this collation."""

#: The message is the last: a text is copied once for each that is joined after it.
_TEXTS = {
    Field.HOST: "hostname",
    Field.IP: "host(sender_ip)",
    Field.PROGRAM: "file_name",
    Field.PROCID: "procid",
    Field.MSGID: "msgid",
    Field.STRUCTURED_DATA: "structured_data",
    Field.MESSAGE: uncoloured("message"),
}
_ALL = r" || E'\x01' || ".join(_TEXTS.values())
_COLUMNS = {
    **{field: (text,) for field, text in _TEXTS.items()},
    Field.SENDER: (_TEXTS[Field.HOST], _TEXTS[Field.IP]),
    Field.ANY: tuple(_TEXTS.values()),
}

#: How many words of a conjunction are offered to the index, one by one.
_MOST_LOOKED_UP = 8
#: Values of so few characters are as frequent as a field's name.
_LEAST_LOOKED_UP = 2
#: The sign of a comparison whose sides change places.
_TURNED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}

Condition = tuple[str, list[Any]]


def searched(collation: str | None = UNICODE_COLLATION) -> str:
    """The expression for the trigram index: ``CREATE INDEX … USING gin ((<this>) gin_trgm_ops)``.

    Args:
        collation: the collation's name; ``None`` for the database's own.
    """
    return _lower(_ALL, collation)


def condition(node: Node, collation: str | None = UNICODE_COLLATION) -> Condition:
    """The condition for the rows that ``node`` matches (true or false, never null), and its parameters."""
    return _Writer(collation).written(node, is_wanted=True)


def field_values(name: str, others: Condition | None = None) -> Condition:
    """The values of a field, an array.

    In this form the short value is computed once, and the planner sees what reading any other costs.

    Args:
        name: of the field.
        others: where this is false, the values of an event are unknown unless it is short JSON.
    """
    condition, parameters = others or ("true", [])
    values = f"event_field(structured_data, {_TEXTS[Field.MESSAGE]}, %s)"
    text = (
        "coalesce(nullif(ARRAY[event_short_value(structured_data, message, %s)], ARRAY[NULL]),"
        f" CASE WHEN {condition} THEN {values} END)"
    )
    return text, [name, *parameters, name]


def may_have_field(name: str, collation: str | None = UNICODE_COLLATION, *, is_looked_up: bool) -> Condition:
    """A condition for events whose text has the parts of a field's name, and its parameters.

    A search for the field has the same condition, so a name that JSON escapes is found by neither.

    Args:
        name: of the field.
        collation: the collation's name; ``None`` for the database's own.
        is_looked_up: whether the index may serve the condition.
    """
    writer = _Writer(collation)
    write = writer.help if is_looked_up else writer.has
    helps = [write(each) for each in literals(FieldGlob(name, "*"))]
    text = " AND ".join(["true", *(text for text, _ in helps)])
    if not is_looked_up:
        # Only JSON with a backslash can have a name that its text has not; folding all texts would take long.
        text = rf"((strpos(message, E'\\') = 0 AND strpos(structured_data, E'\\') = 0) OR ({text}))"
    return text, [value for _, values in helps for value in values]


def _lower(expression: str, collation: str | None) -> str:
    return f"lower({expression})" if collation is None else f'lower(({expression}) COLLATE "{collation}")'


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _like_pattern(glob: str) -> str:
    return "%".join(map(_literal, glob.split("*"))) if glob.strip("*") else "_%"


def _any(conditions: Sequence[str]) -> str:
    return conditions[0] if len(conditions) == 1 else f"({' OR '.join(conditions)})"


@attrs.frozen
class _Writer:
    collation: str | None

    def written(self, node: Node, is_wanted: bool) -> Condition:
        """The condition of ``node``; an index can help only if the node ``is_wanted``, not negated."""
        if isinstance(node, Not):
            text, parameters = self.written(node.node, not is_wanted)
            return f"NOT {text}", parameters
        if isinstance(node, And | Or):
            parts = self._parts(node, is_wanted)
            joint = " AND " if isinstance(node, And) else " OR "
            return f"({joint.join(text for text, _ in parts)})", [value for _, values in parts for value in values]
        if isinstance(node, Contains | Exact | Glob | Regex):
            return self._text(node, is_wanted)
        if isinstance(node, InField):
            return self._field(node)
        return _other(node)

    def _parts(self, node: And | Or, is_wanted: bool) -> list[Condition]:
        nodes = with_joint_refusal(node.nodes) if isinstance(node, And) else node.nodes
        words, others = split_words(nodes, SEPARATOR)
        if isinstance(node, And) and is_wanted and len(words) > _MOST_LOOKED_UP:
            # The planner takes a while for each word that an index may look up; the longest words are the rarest.
            words = sorted(words, key=len, reverse=True)
            looked_up = [Contains(Field.ANY, word) for word in words[:_MOST_LOOKED_UP]]
            parts = [self.written(each, is_wanted) for each in (*looked_up, *others)]
            return [*parts, self._joint("ALL", words[_MOST_LOOKED_UP:])]
        if isinstance(node, Or) and not is_wanted and words:
            # A negated node cannot use an index: build and fold the joint text once for all words.
            return [self._joint("ANY", words), *(self.written(each, is_wanted) for each in others)]
        if isinstance(node, And):
            has_rarer = any(literals(each) for each in nodes if not isinstance(each, FieldNumber))
            return [
                self._field(each, has_rarer=has_rarer)
                if isinstance(each, FieldNumber)
                else self.written(each, is_wanted)
                for each in nodes
            ]
        return [self.written(each, is_wanted) for each in nodes]

    def _joint(self, quantifier: str, words: Sequence[str]) -> Condition:
        """Whether the joint text contains all, or any, of ``words``."""
        likes = ", ".join([_lower("%s::text", self.collation)] * len(words))
        text = f"{searched(self.collation)} LIKE {quantifier} (ARRAY[{likes}])"
        return text, [f"%{_literal(word)}%" for word in words]

    def _text(self, node: Contains | Exact | Glob | Regex, is_wanted: bool) -> Condition:
        exact, parameters = self._exact(node)
        if not is_wanted or (isinstance(node, Contains) and node.field is Field.ANY):
            return exact, parameters
        helps = [self.help(each) for each in literals(node)]
        if not helps:
            return exact, parameters
        text = " AND ".join([*(text for text, _ in helps), exact])
        return f"({text})", [*(value for _, values in helps for value in values), *parameters]

    def _exact(self, node: Contains | Exact | Glob | Regex) -> Condition:
        if isinstance(node, Exact):
            columns = _COLUMNS[node.field]
            return _any([f"{column} = %s" for column in columns]), [node.text] * len(columns)
        if isinstance(node, Regex):
            expressions = self._expressions(node.field, as_one=not node.pattern.is_anchored)
            # Not the operator ~: with it the index extracts trigrams itself, up to seconds for one expression.
            tests = [f"regexp_like({each}, %s)" for each in expressions]
            return _any(tests), [for_postgresql(node.pattern)] * len(expressions)
        if isinstance(node, Contains):
            expressions = self._expressions(node.field, as_one=SEPARATOR not in node.text)
            pattern = f"%{_literal(node.text)}%"
        else:
            expressions = self._expressions(node.field, as_one=False)
            pattern = _like_pattern(node.pattern)
        return self._like(expressions, pattern)

    def has(self, texts: Alternatives) -> Condition:
        """The condition of :meth:`help`, which no index serves."""
        (text,) = texts
        return f"strpos({searched(self.collation)}, {_lower('%s::text', self.collation)}) > 0", [text]

    def _field(self, node: InField, *, has_rarer: bool = False) -> Condition:
        # The literals are part of the meaning, so they stand in negated conditions too. The name is frequent: the index
        # looks it up only if there is nothing rarer.
        values, names = literals_of_value(node), literals_of_name(node)
        is_rare = has_rarer or any(len(text) > _LEAST_LOOKED_UP for texts in values for text in texts)
        conditions = [self.help(each) for each in values]
        conditions += [self.has(each) if is_rare else self.help(each) for each in names]
        found = self._in_values(node)
        if isinstance(node, FieldWord):
            alternatives = [found, *map(self._exact, written(node))]
            found = _any([text for text, _ in alternatives]), [value for _, values in alternatives for value in values]
        conditions.append(found)
        text = " AND ".join(text for text, _ in conditions)
        return f"({text})", [value for _, values in conditions for value in values]

    def _in_values(self, node: InField) -> Condition:
        """Whether one of the field's values is what ``node`` looks for."""
        values, names = field_values(node.name)
        if isinstance(node, FieldExact):
            return f"(%s = ANY ({values}))", [node.text, *names]
        if isinstance(node, FieldNumber):
            quantity = parse_quantity(node.operand)
            assert quantity is not None
            numbers = f"event_numbers({values}, '{quantity.measure}')"
            return f"(%s::numeric {_TURNED[node.sign]} ANY ({numbers}))", [in_full(quantity.number), *names]
        text, parameters = self._value(node)
        return f"EXISTS (SELECT FROM unnest({values}) AS value WHERE {text})", [*names, *parameters]

    def _value(self, node: FieldWord | FieldGlob | FieldRegex) -> Condition:
        folded = _lower("value", self.collation)
        if isinstance(node, FieldGlob):
            return self._like([folded], _like_pattern(node.pattern))
        if isinstance(node, FieldRegex):
            return f"regexp_like({folded}, %s)", [for_postgresql(node.pattern)]
        if len(node.text) > LONGEST_WORDS:
            return self._like([folded], f"%{_literal(node.text)}%")
        text, parameters = f"regexp_like({folded}, %s)", [for_postgresql(whole_words(node.text))]
        number = measured(node.text, "number")
        if number is None:
            return text, parameters
        return f"({text} OR event_number(value, 'number') = %s::numeric)", [*parameters, in_full(number)]

    def _expressions(self, field: Field, as_one: bool) -> list[str]:
        if field is Field.ANY and as_one:
            return [searched(self.collation)]
        return [_lower(column, self.collation) for column in _COLUMNS[field]]

    def _like(self, expressions: Sequence[str], pattern: str) -> Condition:
        # PostgreSQL folds both sides, so equal texts match whichever case rules its collation has.
        like = _lower("%s::text", self.collation)
        return _any([f"{each} LIKE {like}" for each in expressions]), [pattern] * len(expressions)

    def help(self, alternatives: Alternatives) -> Condition:
        """Whether the joint text has one of ``alternatives``, which the index can tell."""
        parts = [self._like([searched(self.collation)], f"%{_literal(text)}%") for text in sorted(alternatives)]
        return _any([text for text, _ in parts]), [value for _, values in parts for value in values]


def _other(node: Node) -> Condition:
    if isinstance(node, InNetwork):
        whole = node.network.prefixlen == node.network.max_prefixlen
        return f"(sender_ip {'=' if whole else '<<='} %s::inet)", [str(node.network)]
    if isinstance(node, Severity):
        return "(severity IS NOT NULL AND severity BETWEEN %s AND %s)", [node.first, node.last]
    if isinstance(node, Facility):
        return "(facility IS NOT NULL AND facility = %s)", [node.number]
    if isinstance(node, Since):
        return "(id >= %s)", [node.time]
    if isinstance(node, Before):
        return "(id < %s)", [node.time]
    assert isinstance(node, Everything)
    return "true", []
