"""The parser of the search language: turns query text into a tree, or raises an error with its position.

::

    query    = [ either ]
    either   = all { "OR" all }
    all      = term { [ "AND" ] term }
    term     = { "NOT" } [ "-" ] ( "(" either ")" | name ":" ( named | "(" either ")" ) | value )
    name     = attribute | [ "." ] field
    named    = value | "=" ( word | "'" … "'" | '"' … '"' )
    value    = word | "'" … "'" | '"' … '"' | "/" regular expression "/"

A quote within its own kind of quotes is doubled. Typographic quotes count too if the closing one stands before a blank,
a parenthesis or the end: phones and word processors write them. Within an attribute's parentheses, values are as after
its colon, and terms side by side are alternatives, except for negated ones (``-``), which all apply. Words end at
blanks and parentheses. A name that is not an attribute's is that of a field, unless what follows its colon shows that
it is text (``http://``, ``std::string``). Text that begins with a slash but has no closing slash before a blank or a
parenthesis is a word. So is a field's value that begins with a quote which is not closed.
"""

from __future__ import annotations

import re
from datetime import tzinfo

import attrs

from ppl.search.attributes import (
    ANYWHERE,
    ATTRIBUTES,
    FIELD,
    InNamedField,
    Kind,
    Meaning,
    ReadingContext,
    SeverityOrField,
    TextIn,
    Value,
)  # fmt: skip
from ppl.search.errors import BadValue, QueryError
from ppl.search.hints import MOST_HINTS, Hint, hint_of, of_field, of_field_term, of_level
from ppl.search.tree import Everything, Node, Not, conjunction, disjunction, negation

LONGEST = 10_240
"""Maximum length of a query, in characters."""
MOST_TERMS = 200
"""Maximum number of words, phrases and values: each is searched for in every live event."""
DEEPEST = 50
"""Maximum nesting of groups."""

_BLANKS = re.compile(r"\s*")
_WORD = re.compile(r"[^\s()]+")
_ATTRIBUTE = re.compile(rf"({'|'.join(ATTRIBUTES)}):", re.IGNORECASE | re.ASCII)
_REGEX = re.compile(r"/((?:[^/\\]|\\.)+)/(?=[\s()]|$)", re.DOTALL)
_OPERATOR = re.compile(r"(AND|OR|NOT)(?=[\s()]|$)")
_QUOTED = {quote: re.compile(f"{quote}((?:[^{quote}]|{quote}{quote})*){quote}", re.DOTALL) for quote in "'\""}
_TYPED = re.compile(
    "(?:“(.+?)”|„(.+?)[“”]|”(.+?)”|«(.+?)»|»(.+?)«|‘(.+?)’|‚(.+?)[‘’])(?=[\\s()]|$)", re.DOTALL
)  # fmt: skip
_TERM = "a word, a phrase in quotes, an attribute or a group"


def parse_query(text: str, zone: tzinfo, now: int) -> tuple[Node, tuple[Hint, ...]]:
    """The tree of ``text``, and hints on words in it that look like syntax but are searched for literally.

    Args:
        text: as a person wrote it.
        zone: used for times that name none.
        now: the present in µs, for times such as ``3 hours ago``.

    Raises:
        QueryError: ``text`` cannot be parsed; it names the position and what was expected there.
    """
    if len(text) > LONGEST:
        raise QueryError(LONGEST, f"the end of the query: at most {LONGEST} characters")
    unusable = re.search("[\0\ud800-\udfff]", text)
    if unusable:
        raise QueryError(unusable.start(), "a valid character, not NUL or half a surrogate pair")
    parser = _Parser(text, ReadingContext(zone, now))
    return parser.query(), tuple(parser.hints)


@attrs.define
class _Parser:
    text: str
    reader: ReadingContext
    at: int = 0
    terms: int = 0
    depth: int = 0
    hints: list[Hint] = attrs.field(factory=list)

    def query(self) -> Node:
        self._skip_blanks()
        if self.at == len(self.text):
            return Everything()
        node = self._either(None)
        if self.at < len(self.text):
            raise QueryError(self.at, "an opening parenthesis before this closing one")
        return node

    def _skip_blanks(self) -> None:
        match = _BLANKS.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def _operator(self) -> str:
        match = _OPERATOR.match(self.text, self.at)
        return match[1] if match else ""

    def _take(self, text: str) -> bool:
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def _take_operator(self, name: str) -> bool:
        return self._operator() == name and self._take(name)

    def _either(self, attribute: Meaning | None) -> Node:
        """Terms joined by ``OR``, up to a ``)`` or the end. ``attribute`` is that of the group, if it has one."""
        nodes = [self._all(attribute)]
        while self._take_operator("OR"):
            nodes.append(self._all(attribute))
        return disjunction(nodes)

    def _all(self, attribute: Meaning | None) -> Node:
        together = [[self._term(attribute)]]
        while self.at < len(self.text) and self.text[self.at] != ")" and self._operator() != "OR":
            if self._take_operator("AND"):
                together[-1].append(self._term(attribute))
            else:
                together.append([self._term(attribute)])
        nodes = [conjunction(each) for each in together]
        if attribute is None:
            return conjunction(nodes)
        refused = [node for node in nodes if isinstance(node, Not)]
        wanted = [node for node in nodes if not isinstance(node, Not)]
        return conjunction([*([disjunction(wanted)] if wanted else []), *refused])

    def _term(self, attribute: Meaning | None) -> Node:
        """One term, with the blanks around it."""
        is_refused = False
        self._skip_blanks()
        while self._take_operator("NOT"):
            is_refused = not is_refused
            self._skip_blanks()
        if self._operator():
            raise QueryError(self.at, f"{_TERM} before {self._operator()}")
        follower = self.text[self.at + 1 : self.at + 2]
        if follower and follower != ")" and not follower.isspace() and self._take("-"):
            is_refused = not is_refused
        node = self._group_or_value(attribute)
        self._skip_blanks()
        return negation(node) if is_refused else node

    def _group_or_value(self, attribute: Meaning | None) -> Node:
        start = self.at
        match = _ATTRIBUTE.match(self.text, start)
        if match is None:
            field = FIELD.match(self.text, start) if attribute is None else None
            if field is None:
                return self._operand(attribute, attribute or ANYWHERE)
            self.at = field.end()
            name = field[0].removesuffix(":")
            self._hint(start, of_field(name, ATTRIBUTES))
            node = self._operand(InNamedField(field[1]), InNamedField(field[1]))
            if not self.text.startswith("(", field.end()):
                self._hint(start, of_field_term(name, self.text[start : self.at], node))
            return node
        if attribute is not None:
            raise QueryError(start, f'a value, or "{match[0]}" in quotes if it is meant as text')
        self.at = match.end()
        if self.at == len(self.text) or self.text[self.at].isspace() or self.text[self.at] == ")":
            raise QueryError(self.at, f"a value directly after {match[0]} (or all of it in quotes, if meant as text)")
        meaning = ATTRIBUTES[match[1].lower()]
        return self._operand(meaning, meaning)

    def _operand(self, attribute: Meaning | None, meaning: Meaning) -> Node:
        start = self.at
        if not self._take("("):
            return self._value(meaning)
        self.depth += 1
        if self.depth > DEEPEST:
            raise QueryError(start, f"at most {DEEPEST} nested groups")
        node = self._either(attribute)
        if not self._take(")"):
            raise QueryError(self.at, f"the closing parenthesis of the group at character {start + 1}")
        self.depth -= 1
        return node

    def _value(self, meaning: Meaning) -> Node:
        start = self.at
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise QueryError(start, f"at most {MOST_TERMS} terms")
        is_in_field = isinstance(meaning, InNamedField)
        value, begin = (
            self._exact(is_in_field)
            if isinstance(meaning, TextIn | InNamedField | SeverityOrField) and meaning.takes_exact
            else self._written()
        )
        try:
            node = meaning(value, self.reader)
        except BadValue as error:
            raise QueryError(begin + error.offset, error.expected) from error
        self._hint(start, hint_of(value, meaning is not ANYWHERE))
        if isinstance(meaning, SeverityOrField):
            self._hint(start, of_level(value, node))
        return node

    def _hint(self, start: int, message: str | None) -> None:
        if message is not None and len(self.hints) < MOST_HINTS:
            self.hints.append(Hint(start, message))

    def _exact(self, is_in_field: bool) -> tuple[Value, int]:
        """Like :meth:`_written`, but a ``=`` may precede the value."""
        if not self._take("="):
            return self._written(is_in_field)
        start = self.at
        char = self.text[start : start + 1]
        if not char or char.isspace() or char in "()":
            raise QueryError(start, "a word or a phrase directly after =")
        if char in _QUOTED:
            return self._phrase(char, is_in_field, is_exact=True), start + 1
        typed = self._typed_phrase(is_exact=True)
        if typed is not None:
            return typed, start + 1
        return Value(Kind.WORD, self._word(), is_exact=True), start

    def _word(self) -> str:
        match = _WORD.match(self.text, self.at)
        assert match is not None
        self.at = match.end()
        return match[0]

    def _written(self, is_in_field: bool = False) -> tuple[Value, int]:
        """The value at the current position, and the index where its text begins; ``is_in_field``: it is a field's."""
        start = self.at
        char = self.text[start : start + 1]
        if char in ("", ")"):
            hint = "; text with parentheses goes in quotes" if char else ""
            raise QueryError(start, _TERM + hint)
        if char in _QUOTED:
            return self._phrase(char, is_in_field), start + 1
        typed = self._typed_phrase()
        if typed is not None:
            return typed, start + 1
        match = _REGEX.match(self.text, start)
        if match is not None:
            self.at = match.end()
            return Value(Kind.REGEX, match[1]), start + 1
        return Value(Kind.WORD, self._word()), start

    def _typed_phrase(self, is_exact: bool = False) -> Value | None:
        """The phrase in typographic quotes at the current position, if there is one."""
        match = _TYPED.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return Value(Kind.PHRASE, match[match.lastindex or 0], is_exact)

    def _phrase(self, quote: str, is_in_field: bool, is_exact: bool = False) -> Value:
        match = _QUOTED[quote].match(self.text, self.at)
        if match is None and is_in_field:
            # A text such as `it:'s`, which needs no quotes of its own. A star in it is an ordinary one.
            return Value(Kind.PHRASE, self._word(), is_exact)
        if match is None:
            raise QueryError(len(self.text), f"the closing {quote} of the phrase at character {self.at + 1}")
        if not match[1] and not is_exact:
            raise QueryError(self.at + 1, "text within the quotes")
        self.at = match.end()
        return Value(Kind.PHRASE, match[1].replace(quote * 2, quote), is_exact)
