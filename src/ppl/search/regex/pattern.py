"""A parsed regular expression: frozen values.

Made by ``ppl.search.regex.parser``, written out by ``ppl.search.regex.engines``.
"""

from __future__ import annotations

import attrs

from ppl.search.regex.charset import CharSet


@attrs.frozen
class Chars:
    """One character of a set."""

    chars: CharSet


@attrs.frozen
class Edge:
    """The beginning (``^``) or the end (``$``) of the field."""

    mark: str


@attrs.frozen
class Sequence:
    """One after the other."""

    parts: tuple[Part, ...]


@attrs.frozen
class Choice:
    """Any of them."""

    parts: tuple[Part, ...]


@attrs.frozen
class Repeat:
    """``part`` from ``least`` to ``most`` times; ``None``: without end."""

    part: Part
    least: int
    most: int | None


Part = Chars | Edge | Sequence | Choice | Repeat


@attrs.frozen
class Pattern:
    """A parsed regular expression.

    Attributes:
        source: as written, without the slashes around it.
        root: its parts; sets are of folded text.
        is_anchored: whether the ends of the field matter.
    """

    source: str
    root: Part = attrs.field(eq=False, repr=False)
    is_anchored: bool = attrs.field(eq=False, repr=False)
