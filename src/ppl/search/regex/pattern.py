"""A parsed regular expression as frozen values.

Built by ``ppl.search.regex.parser``; ``ppl.search.regex.engines`` writes it for each engine.
"""

from __future__ import annotations

import attrs

from ppl.search.regex.charset import CharSet


@attrs.frozen
class Chars:
    """Any one character of a set."""

    chars: CharSet


@attrs.frozen
class Edge:
    """The beginning (``^``) or the end (``$``) of the field."""

    mark: str


@attrs.frozen
class Sequence:
    """``parts`` one after the other."""

    parts: tuple[Part, ...]


@attrs.frozen
class Choice:
    """Any one of ``parts``."""

    parts: tuple[Part, ...]


@attrs.frozen
class Repeat:
    """``part`` from ``least`` to ``most`` times; ``None`` means without limit."""

    part: Part
    least: int
    most: int | None


Part = Chars | Edge | Sequence | Choice | Repeat


@attrs.frozen
class Pattern:
    """A parsed regular expression.

    Attributes:
        source: as written, without the slashes around it.
        root: the parsed expression; its sets are folded.
        is_anchored: whether the ends of the field matter.
    """

    source: str
    root: Part = attrs.field(eq=False, repr=False)
    is_anchored: bool = attrs.field(eq=False, repr=False)
