"""Columns: fields that a reader chose to see beside each line, and the values that an event has for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ppl.model import Event
from ppl.search.field_terms import is_field_name
from ppl.search.fields import FieldSource

#: Most columns of a reader, and most characters of a value shown in one.
MOST_COLUMNS, LONGEST_COLUMN_VALUE = 8, 200


def read_columns(names: Iterable[str]) -> tuple[str, ...]:
    """The columns called ``names``, in order, each once.

    Raises:
        ValueError: there are too many, or one is no name of a field; the text says which.
    """
    columns = tuple(dict.fromkeys(names))
    if len(columns) > MOST_COLUMNS:
        raise ValueError(f"There can be at most {MOST_COLUMNS} columns.")
    wrong = next((name for name in columns if not is_field_name(name)), None)
    if wrong is not None:
        raise ValueError(f"{wrong[:50]!r} is not the name of a field.")
    return columns


def column_values(event: Event, columns: Sequence[str]) -> dict[str, str]:
    """Column → the value of ``event``, for those fields that it has; several values are joined, long ones cut."""
    texts = event.message + event.structured_data
    # Most lines have none of the fields: what has not even the name is not parsed. Colours may stand within a name.
    there = [name for name in columns if name.rpartition(".")[2] in texts or "\x1b" in texts]
    if not there:
        return {}
    source = FieldSource(event.message, event.structured_data)
    found = {}
    for name in there:
        values = source.values(name)
        if values:
            # No more values than fit are joined: an array may have very many.
            text = ", ".join(values[:LONGEST_COLUMN_VALUE])
            is_cut = len(text) > LONGEST_COLUMN_VALUE
            found[name] = f"{text[: LONGEST_COLUMN_VALUE - 1]}…" if is_cut else text
    return found


def with_columns(fields: Mapping[str, str], event: Event, columns: Sequence[str]) -> dict[str, Any]:
    """``fields`` of ``event``, as a viewer gets them, with ``columns`` for those of its fields that are columns."""
    values = column_values(event, columns) if columns else None
    return {**fields, "columns": values} if values else {**fields}
