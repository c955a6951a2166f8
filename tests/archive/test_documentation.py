"""The documented line for DuckDB works, and a missing library is one sentence at the start."""

from __future__ import annotations

import sys

import duckdb
import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.python.usage import UsageError

from ppl.archive.directory import DirectoryPlace
from ppl.options import default_settings, settings_from
from ppl.service import make_service
from tests.archive.archiving import DAY0, LATER, archiver, registered
from tests.fixtures.database import started_store
from tests.fixtures.running import ROOT
from tests.store.samples import events


@ensureDeferred
async def test_the_documented_line_reads_the_directory_in_place(dsn: str, place: DirectoryPlace) -> None:
    pool, store = await started_store(dsn)
    one = await registered(store)
    await store.append([events(DAY0 + 5, ["a Timeout here", "nothing"], destination=one)])
    await archiver(dsn, place, DAY0 + 86_400_000_000 + LATER).run()
    (line,) = [
        line.strip()
        for line in (ROOT / "docs/archives.rst").read_text("utf-8").splitlines()
        if "'/srv/ppl-archive/*/*/*.parquet'" in line and "SELECT created_at" in line
    ]
    sql = line.replace("/srv/ppl-archive", str(place.root)).replace("2026-11-25", "2023-11-14")
    found = duckdb.sql(sql).fetchall()
    assert [row[1:] for row in found] == [("web1", "a Timeout here")]
    await pool.stopService()


@pytest.mark.parametrize(("module", "where"), [("pyarrow.parquet", "/tmp/x"), ("boto3", "s3://bucket/x")])
def test_a_library_that_is_not_installed_is_one_sentence_at_the_start(
    monkeypatch: pytest.MonkeyPatch, module: str, where: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "ppl.archive.bucket", raising=False)
    settings = default_settings(archive=where, database="dbname=x", link_secret="x" * 16)
    with pytest.raises(UsageError, match=r"--archive: .* is not installed, run: pip install 'ppl\[archive\]'\."):
        make_service(settings, reactor)


@pytest.mark.parametrize("value", ["s3://", "s3://UPPER/x", "http://x/y", "s3://b/a b", "s3://bucket//x"])
def test_an_impossible_place_is_refused(value: str) -> None:
    with pytest.raises(UsageError, match="--archive"):
        settings_from({"archive": value}, {})


def test_an_endpoint_without_a_bucket_is_refused() -> None:
    with pytest.raises(UsageError, match="--archive-endpoint"):
        settings_from({"archive": "/x", "archive-endpoint": "http://localhost:9000"}, {})
