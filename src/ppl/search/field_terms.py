"""The term that finds a value of a field, for readers who click it. Field names are those of :mod:`ppl.search.fields`.

In the language a name is a word, so a field with any other name is shown but cannot be searched for.
"""

from __future__ import annotations

import re

from ppl.search.canonical import exact_field

#: Most characters of a term: a longer value is easier to find by a part of it.
LONGEST_TERM = 1_000

#: Most characters of a name.
LONGEST_FIELD_NAME = 100

_NAME = re.compile(r"[A-Za-z_@][\w.@-]*", re.ASCII)


def is_field_name(name: str) -> bool:
    """Whether the language can write ``name``."""
    return len(name) <= LONGEST_FIELD_NAME and _NAME.fullmatch(name) is not None


def field_term(name: str, value: str) -> str | None:
    """The term that matches if the whole of a value of the field ``name`` is ``value``; ``None`` if there is none."""
    if not is_field_name(name) or not value.isprintable():
        return None
    term = exact_field(name, value)
    return term if len(term) <= LONGEST_TERM else None
