"""Formats batches of events in the text format of ``COPY``, column by column."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any

from ppl.model import COLUMNS, Events
from ppl.store.events.columns import clean_texts, column_of

#: Columns of the table ``event`` in the order of :func:`copy_text`.
COPIED_COLUMNS = ", ".join(("destination_id", "id", "sender_ip", *(column.name for column in COLUMNS)))

#: A read of at least this many events gets a template of its own; smaller reads share one.
_WORTH_A_TEMPLATE = 64
_SMALL: dict[int | None, str] = {None: "\\N", **{number: str(number) for number in range(256)}}
# The backslash first: the other escapes contain one.
_ESCAPES = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"))


def copy_text(batch: Sequence[Events]) -> bytes:
    """``batch`` in the text format of ``COPY``."""
    texts: list[str] = []
    small: list[Events] = []
    for events in batch:
        if len(events) < _WORTH_A_TEMPLATE:
            small.append(events)
            continue
        if small:
            texts.append(_rows(small))
            small = []
        texts.append(_rows([events]))
    if small:
        texts.append(_rows(small))
    return "".join(texts).encode("utf-8")


def _rows(batch: Sequence[Events]) -> str:
    """Format ``batch`` by one template for all rows, which is made column by column.

    A column with the same value in all rows becomes part of the template; C then formats all rows in one call.
    """
    parts: list[str] = []
    varying: list[Sequence[Any]] = []

    def add(values: Sequence[Any], texts: Callable[[Sequence[Any]], Sequence[str]], shape: str = "%s") -> None:
        """Add a column; ``texts`` turns its values, or the one that all rows share, into what ``shape`` takes."""
        if values[0] == values[-1] and values.count(values[0]) == len(values):
            parts.append(str(shape % texts(values[:1])[0]).replace("%", "%%"))
        else:
            parts.append(shape)
            varying.append(texts(values))

    ids = list(chain.from_iterable(events.ids for events in batch))
    add([each for events in batch for each in repeat(events.destination.id, len(events))], _as_it_is)
    add(ids, _as_it_is, "%d")
    add([each for events in batch for each in repeat(events.sender_ip, len(events))], _as_it_is)
    for column in COLUMNS:
        values = column_of(batch, column.name)
        if column.name == "created_at":
            if None in values:
                # An event without a sane timestamp has the time of its receipt.
                values = [id_ if at is None else at for id_, at in zip(ids, values, strict=True)]
            add(values, _as_it_is, "%d")
        else:
            add(values, _escaped if column.sql_type == "text" else _small)
    template = "\t".join(parts) + "\n"
    return template * len(ids) % tuple(chain.from_iterable(zip(*varying, strict=True)))


def _as_it_is(values: Sequence[Any]) -> Sequence[Any]:
    return values


def _small(numbers: Sequence[int | None]) -> Sequence[str]:
    return list(map(_SMALL.__getitem__, numbers))


def _escaped(texts: Sequence[str]) -> Sequence[str]:
    """``texts`` cleaned, and escaped for COPY's text format."""
    joined = "\0".join(texts)
    if joined.isascii() and joined.count("\0") == len(texts) - 1 and not any(plain in joined for plain, _ in _ESCAPES):
        return texts
    joined = clean_texts(texts)
    for plain, escaped in _ESCAPES:
        if plain in joined:
            joined = joined.replace(plain, escaped)
    return joined.split("\0")
