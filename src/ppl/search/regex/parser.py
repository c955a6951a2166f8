r"""The parser of regular expressions: the part of PostgreSQL's syntax that means the same to RE2, with bounded size.

:func:`parse_regex` returns a :class:`Pattern`, which ``ppl.search.regex.engines`` writes for both engines. They search
folded text, and character sets are spelled out, so neither locale nor case can make them differ. Both take time linear
in the text: syntax that needs backtracking (back-references, look-around) is refused, and the size of an expression
with its counted repetitions written out is bounded.

Accepted: characters, ``.``, ``[…]`` with ranges, ``^`` and POSIX classes, ``\d \s \w`` and their opposites, ``\n \t \r
\f \v``, ``\uwxyz``, ``\Ustuvwxyz``, ``\`` before punctuation, ``(?i)`` at the beginning, groups, ``|``, ``* + ? {m}
{m,} {m,n}`` also lazy, ``^ $ \A \Z``, and word boundaries where they can be rewritten
(``ppl.search.regex.boundaries``). As in PostgreSQL, ``.`` matches a newline, and ``^`` and ``$`` match only the ends of
the field.
"""

from __future__ import annotations

from ppl.search.errors import BadValue
from ppl.search.regex import charset
from ppl.search.regex.boundaries import Boundary, without_boundaries
from ppl.search.regex.charset import CharSet
from ppl.search.regex.pattern import Chars, Choice, Edge, Part, Pattern, Repeat, Sequence

LONGEST = 1_000
"""Maximum length of a regular expression, in characters."""
MOST_REPEATS = 255
"""PostgreSQL's limit for ``{m,n}``."""
LARGEST = 500
"""Maximum characters and sets with all repetitions written out: a match then takes at most a few µs a byte."""
DEEPEST = 20
"""Maximum nesting of groups."""
_IGNORE_CASE = "(?i)"
_FEW_RANGES = 4
_WIDE_SET = 4  # how much a set of many ranges counts: RE2 compiles it to several instructions


def parse_regex(source: str) -> Pattern:
    """The regular expression ``source``.

    Raises:
        BadValue: ``source`` cannot be parsed or is too large; it names the offset of the error.
    """
    if len(source) > LONGEST:
        raise BadValue(f"a regular expression of at most {LONGEST} characters", LONGEST)
    # Case never matters: an expression from elsewhere may say so.
    ignored = len(_IGNORE_CASE) if source.startswith(_IGNORE_CASE) else 0
    try:
        return _parsed(source[ignored:])
    except BadValue as error:
        raise BadValue(error.expected, error.offset + ignored) from error


def _parsed(source: str) -> Pattern:
    parser = _Parser(source)
    root = parser.choice(0)
    if parser.at < len(source):
        raise BadValue("an opening parenthesis before this closing one", parser.at)
    if _size(root) > LARGEST:
        raise BadValue(f"a regular expression of at most {LARGEST} characters when its repetitions are written out")
    return Pattern(source, root, parser.is_anchored)


def _size(part: Part) -> int:
    if isinstance(part, Chars):
        return 1 if len(part.chars) <= _FEW_RANGES else _WIDE_SET
    if isinstance(part, Repeat):
        return max(1, part.least, part.most or 0) * (1 + _size(part.part))
    if isinstance(part, Edge):
        return 1
    return 1 + sum(map(_size, part.parts))


_CHARACTERS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_SETS = {"d": "digit", "s": "space", "w": "word"}
_HEXADECIMAL = {"u": 4, "U": 8}
_QUANTIFIERS = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_DIGITS = "0123456789"


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self.at = 0
        self.is_anchored = False

    def _next(self, count: int = 1) -> str:
        return self._source[self.at : self.at + count]

    def _take(self, text: str) -> bool:
        if not self._source.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def choice(self, depth: int) -> Part:
        parts = [self._sequence(depth)]
        while self._take("|"):
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, depth: int) -> Part:
        written: list[Part | Boundary] = []
        while self._next() not in ("", "|", ")"):
            written.append(self._repeated(self._atom(depth)))
        parts = without_boundaries(written, may_have=depth == 0)
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Part | Boundary) -> Part | Boundary:
        start = self.at
        bounds = self._quantifier()
        if bounds is None:
            return part
        if isinstance(part, Edge | Boundary):
            raise BadValue("something to repeat before this", start)
        self._take("?")  # laziness only affects where a match ends
        again = self.at
        if self._quantifier() is not None:
            raise BadValue("no second repetition", again)
        return Repeat(part, *bounds)

    def _quantifier(self) -> tuple[int, int | None] | None:
        simple = _QUANTIFIERS.get(self._next())
        if simple is not None:
            self.at += 1
            return simple
        if self._next() != "{" or self._next(2)[1:] not in _DIGITS or len(self._next(2)) < 2:
            return None  # as in PostgreSQL, a brace not followed by a digit is an ordinary character
        start = self.at
        self.at += 1
        least = self._number()
        most: int | None = least
        if self._take(","):
            most = self._number() if self._next() in _DIGITS and self._next() else None
        if not self._take("}"):
            raise BadValue("the closing brace of this repetition", self.at)
        if max(least, most or 0) > MOST_REPEATS or (most is not None and most < least):
            raise BadValue(f"a repetition from 0 to {MOST_REPEATS}, the smaller number first", start)
        return least, most

    def _number(self) -> int:
        start = self.at
        while self._next() and self._next() in _DIGITS:
            self.at += 1
        return min(int(self._source[start : min(self.at, start + 6)] or "0"), MOST_REPEATS + 1)

    def _atom(self, depth: int) -> Part | Boundary:
        start = self.at
        char = self._next()
        self.at += 1
        if char == "(":
            return self._group(start, depth)
        if char == "[":
            return Chars(self._bracket(start))
        if char == "\\":
            return self._escape(start)
        if char in "^$":
            return self._edge(char)
        if char == ".":
            return self._chars(((1, charset.HIGHEST),), start)
        if char in _QUANTIFIERS or (char == "{" and self._next() and self._next() in _DIGITS):
            raise BadValue("something to repeat before this", start)
        return self._chars(charset.of(char), start)

    def _edge(self, mark: str) -> Edge:
        self.is_anchored = True
        return Edge(mark)

    def _chars(self, chars: CharSet, start: int) -> Chars:
        chars = charset.without_separator(charset.folded(chars))
        if not chars:
            raise BadValue("a character that can occur in a text", start)
        return Chars(chars)

    def _group(self, start: int, depth: int) -> Part:
        if depth >= DEEPEST:
            raise BadValue(f"at most {DEEPEST} nested groups", start)
        if self._next() == "?" and not self._take("?:"):
            raise BadValue("a plain group or (?:…): look-around and options are not supported", start)
        inner = self.choice(depth + 1)
        if not self._take(")"):
            raise BadValue("the closing parenthesis of this group", start)
        return inner

    def _escape(self, start: int) -> Part | Boundary:
        char = self._next()
        self.at += 1
        if char == "":
            raise BadValue("a character after the backslash", start + 1)
        if char in "bymM":
            self.is_anchored = True
            return Boundary(char, start)
        if char in "AZ":
            return self._edge("^" if char == "A" else "$")
        if char.lower() in _SETS and char in "dswDSW":
            chars = charset.named_class(_SETS[char.lower()]) or ()
            return self._chars(chars if char.islower() else charset.complement(charset.folded(chars)), start)
        return self._chars(charset.of(self._character(char, start)), start)

    def _character(self, char: str, start: int) -> str:
        """The character that ``\\`` followed by ``char`` stands for."""
        if char in _CHARACTERS:
            return _CHARACTERS[char]
        if char in _HEXADECIMAL:
            return self._hexadecimal(_HEXADECIMAL[char], start)
        if char in "123456789":
            raise BadValue("no back-reference: back-references are not supported", start)
        if char.isalnum():
            raise BadValue(r"a known escape: \d \s \w \n \t, or a backslash before punctuation", start)
        return char

    def _hexadecimal(self, digits: int, start: int) -> str:
        text = self._next(digits)
        if len(text) < digits or any(digit not in "0123456789abcdefABCDEF" for digit in text):
            raise BadValue(f"{digits} hexadecimal digits", self.at)
        code = int(text, 16)
        if not 0 < code <= charset.HIGHEST or 0xD800 <= code < 0xE000:
            raise BadValue("the code point of a character", start)
        self.at += digits
        return chr(code)

    def _bracket(self, start: int) -> CharSet:
        is_negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._next() != "]":
            first = False
            if not self._next():
                raise BadValue("the closing ] of this set", start)
            ranges += self._range()
        self.at += 1
        chars = charset.folded(charset.union(ranges))
        return self._chars(charset.complement(chars) if is_negated else chars, start).chars

    def _range(self) -> CharSet:
        start = self.at
        low = self._member()
        if self._next() != "-" or self._next(2) in ("-]", "-"):
            return low if isinstance(low, tuple) else charset.of(low)
        self.at += 1
        high = self._member()
        if isinstance(low, tuple) or isinstance(high, tuple) or low > high:
            raise BadValue("a range from a lower character to a higher one", start)
        return ((ord(low), ord(high)),)

    def _member(self) -> str | CharSet:
        """One member of a bracket expression: a character or a whole set."""
        start = self.at
        char = self._next()
        self.at += 1
        if char == "":
            raise BadValue("a character", start)
        if char == "[" and self._next() and self._next() in ".=":
            raise BadValue("no collating element: collating elements are not supported", start)
        if char == "[" and self._next() == ":":
            end = self._source.find(":]", self.at + 1)
            chars = charset.named_class(self._source[self.at + 1 : end]) if end > 0 else None
            if chars is None:
                raise BadValue("a class such as [:alpha:], [:alnum:], [:digit:], [:space:] or [:punct:]", start)
            self.at = end + 2
            return chars
        if char != "\\":
            return char
        char = self._next()
        self.at += 1
        if char == "":
            raise BadValue("a character after the backslash", start + 1)
        if char in "dsw":
            return charset.named_class(_SETS[char]) or ()
        if char in "DSW":
            return charset.complement(charset.folded(charset.named_class(_SETS[char.lower()]) or ()))
        return self._character(char, start)
