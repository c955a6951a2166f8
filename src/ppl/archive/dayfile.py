"""The Parquet file of a destination's day: written one row group at a time, merged with an existing file, read back.

Rows ascend by id. All rows of an existing file stay: events that come late are added between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ppl.archive.interface import ArchiveDamaged
from ppl.model import COLUMNS

_TIME = pa.timestamp("us", tz="UTC")
#: The columns of the file, in their order.
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("created_at", _TIME, nullable=False),
        pa.field("sender_ip", pa.string(), nullable=False),
        *(
            pa.field(column.name, pa.string(), nullable=False)
            if column.sql_type == "text"
            else pa.field(column.name, pa.int16())
            for column in COLUMNS
            if column.name != "created_at"
        ),
    ]
)
#: The columns of PostgreSQL's CSV, where times are µs.
CSV_COLUMNS = tuple(name for name in SCHEMA.names if name != "received_at")

#: Most rows of a row group, and about how many bytes it has before compression.
GROUP_ROWS, GROUP_BYTES = 131_072, 1 << 25
_BATCH_ROWS = 4_096

_CSV_TYPES = {name: pa.int64() if SCHEMA.field(name).type == _TIME else SCHEMA.field(name).type for name in CSV_COLUMNS}


def table_of(csv: bytes) -> Any:
    """Rows of PostgreSQL's CSV with the columns :data:`CSV_COLUMNS`, texts in quotes, as a table of :data:`SCHEMA`."""
    table = pa.csv.read_csv(
        pa.BufferReader(csv),
        pa.csv.ReadOptions(use_threads=False, block_size=len(csv) + 1, column_names=CSV_COLUMNS),
        pa.csv.ParseOptions(newlines_in_values=True),
        pa.csv.ConvertOptions(check_utf8=False, column_types=_CSV_TYPES, strings_can_be_null=False),
    )
    return table.add_column(1, "received_at", table["id"]).cast(SCHEMA)


def write(file: BinaryIO, tables: Iterable[Any], metadata: dict[str, str], group_rows: int = GROUP_ROWS) -> int:
    """Write ``tables`` (ascending by id) as Parquet with zstd, at most ``group_rows`` in a row group.

    Returns:
        The number of rows.
    """
    rows = 0
    with pq.ParquetWriter(file, SCHEMA.with_metadata(metadata), compression="zstd") as writer:
        for group in _groups(tables, group_rows):
            writer.write_table(group, row_group_size=group_rows)
            rows += group.num_rows
    return rows


def _groups(tables: Iterable[Any], group_rows: int) -> Iterator[Any]:
    waiting: list[Any] = []
    for table in tables:
        waiting.append(table)
        if sum(t.num_rows for t in waiting) >= group_rows or sum(t.nbytes for t in waiting) >= GROUP_BYTES:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def read(file: BinaryIO) -> Iterator[Any]:
    """The rows of a day's file, some at a time.

    Raises:
        ArchiveDamaged: the file is not a day's file, or cannot be read to its end.
    """
    try:
        parquet = pq.ParquetFile(file)
        if not parquet.schema_arrow.equals(SCHEMA):
            raise ArchiveDamaged("The file has other columns.")
        for batch in parquet.iter_batches(_BATCH_ROWS, use_threads=False):
            yield pa.Table.from_batches([batch]).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise ArchiveDamaged(f"The file cannot be read ({type(error).__name__}).") from error


def count(file: BinaryIO) -> int:
    """Read the whole file and count its rows, which must ascend by id without duplicates.

    Raises:
        ArchiveDamaged: as in :func:`read`, or the rows are not in order.
    """
    rows, last = 0, -1
    for table in read(file):
        ids = table["id"].combine_chunks()
        if ids[0].as_py() <= last or not pc.all(pc.less(ids[:-1], ids[1:]), min_count=0).as_py():
            raise ArchiveDamaged("The rows of the file are not in order.")
        rows, last = rows + len(ids), ids[-1].as_py()
    return rows


def joined(old: Iterator[Any], new: Iterator[Any]) -> Iterator[Any]:
    """The rows of both, ascending by id, only one where both have the same id; each is read only as far as needed."""
    left, right = next(old, None), next(new, None)
    while left is not None and right is not None:
        # Up to this id the rows of both are known.
        end = min(left["id"][-1].as_py(), right["id"][-1].as_py())
        here, left = _split(left, end)
        there, right = _split(right, end)
        unknown = there.filter(pc.invert(pc.is_in(there["id"], value_set=here["id"].combine_chunks())))
        both = pa.concat_tables([here, unknown])
        yield both.sort_by("id") if here.num_rows and unknown.num_rows else both
        left = next(old, None) if left is None else left
        right = next(new, None) if right is None else right
    for rest, more in ((left, old), (right, new)):
        if rest is not None:
            yield rest
        yield from more


def _split(table: Any, end: int) -> tuple[Any, Any | None]:
    """The rows up to the id ``end``, and those after it, ``None`` where there are none."""
    size = pc.sum(pc.less_equal(table["id"], end)).as_py() or 0
    return table[:size], table[size:] if size < table.num_rows else None
