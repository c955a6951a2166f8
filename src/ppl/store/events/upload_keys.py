"""Keeps what the lines of uploads are recognised by when they are sent again, so that a restart forgets none of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ppl.model import Events, UploadKeys
from ppl.store.connecting.pool import Pool

#: Bytes of keys that are read back, at most: those of what was stored last. Clients send again what was under way. The
#: keys of one submission, which are one row, take some kilobytes.
RECALLED_BYTES = 1 << 19

_REMEMBER = (
    "INSERT INTO upload_key (destination_id, kind, series, part, kept_until, seen, digests) VALUES {rows}"
    " ON CONFLICT (destination_id, kind, series, part) DO UPDATE SET seen = upload_key.seen | excluded.seen,"
    " digests = excluded.digests, kept_until = greatest(upload_key.kept_until, excluded.kept_until)"
)
_RECALL = (
    "SELECT series, part, seen::text, digests FROM (SELECT series, part, seen, digests, kept_until,"
    " sum(coalesce(length(digests), 32)) OVER (ORDER BY kept_until DESC, part DESC, series) AS bytes"
    " FROM (SELECT * FROM upload_key WHERE destination_id = %s AND kind = %s"
    # A row has eight bytes at least.
    " ORDER BY kept_until DESC, part DESC, series LIMIT %s / 8 + 1) AS newest) AS summed"
    # The order that the rows already have: another would sort them a second time.
    " WHERE bytes <= %s ORDER BY kept_until DESC, part DESC, series"
)

#: SQL that deletes the keys that may go; its parameter is ``now``, in µs.
FORGET_KEYS = "DELETE FROM upload_key WHERE kept_until < %(now)s"

_Row = tuple[int, str, str, int]


def remember_keys(batch: Sequence[Events]) -> str:
    """The statement that stores the keys of ``batch``; run it in the transaction that stores the batch.

    Returns:
        SQL with neither parameters nor ``%``, as its texts are written in hexadecimal; ``""`` if there are no keys.
    """
    numbers: dict[_Row, tuple[int, int]] = {}
    digests: dict[_Row, tuple[int, bytes]] = {}
    for events in batch:
        if events.keys is None:
            continue
        keys, destination_id, kind = events.keys, events.destination.id, _in_hex(events.keys.kind)
        kept_until = events.first_id + keys.kept
        for (series, part), seen in keys.numbers.items():
            row = (destination_id, kind, _in_hex(series), part)
            before, until = numbers.get(row, (0, 0))
            numbers[row] = (before | seen, max(until, kept_until))
        if keys.digests:
            digests[destination_id, kind, "", events.first_id] = (kept_until, keys.digests)
    if not numbers and not digests:
        return ""
    rows = [(*row, until, f"X'{seen:064x}'", "NULL") for row, (seen, until) in numbers.items()]
    rows += [(*row, until, "NULL", f"'\\x{each.hex()}'::bytea") for row, (until, each) in digests.items()]
    # Sorted: two processes that update the same rows must lock them in the same order.
    return _REMEMBER.format(rows=",".join(map(_written, sorted(rows))))


def _in_hex(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").hex()


def _written(row: tuple[int, str, str, int, int, str, str]) -> str:
    destination_id, kind, series, part, kept_until, seen, digests = row
    named = f"convert_from('\\x{kind}', 'UTF8'),'\\x{series}'::bytea"
    return f"({destination_id},{named},{part},{kept_until},{seen},{digests})"


async def recall_keys(pool: Pool, destination_id: int, kind: str, most: int = RECALLED_BYTES) -> UploadKeys:
    """The keys of a kind that were stored last for a destination; within ``numbers`` and ``digests`` the oldest first.

    Args:
        pool: connections to PostgreSQL.
        destination_id: the destination.
        kind: whose keys.
        most: bytes that they may take: 32 for up to 256 numbers, eight for a digest.
    """
    rows = (await pool.read(_RECALL, [destination_id, kind, most, most]))[::-1]
    return UploadKeys(kind, 0, dict(_numbers(rows)), b"".join(bytes(row[3]) for row in rows if row[3] is not None))


def _numbers(rows: Iterable[Sequence[object]]) -> Iterable[tuple[tuple[str, int], int]]:
    for series, part, seen, _ in rows:
        if seen is not None:
            yield (bytes(series).decode("utf-8", "surrogatepass"), part), int(seen, 2)  # type: ignore[call-overload,misc]
