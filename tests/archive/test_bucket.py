"""Archives in a bucket, over HTTP to a real server (moto's), and to servers that refuse, lie, hang or are not there."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import duckdb
import pytest
from moto.server import ThreadedMotoServer
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred

from ppl.archive.bucket import BucketPlace
from ppl.archive.interface import ArchiveUnavailable
from ppl.model import DAY
from ppl.store.upkeep.archives import set_archiving
from tests.archive.archiving import DAY0, LATER, archiver, fill, forget, registered, stored
from tests.archive.test_archiver import listening
from tests.fixtures.database import started_store
from tests.store.samples import events
from tests.waiting import until

NOW = DAY0 + 2 * DAY + LATER
SECRET = "very-secret-key-of-a-test"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@pytest.fixture
def client(server: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A client of the server, whose only bucket ``logs`` is empty."""
    made = boto3.client("s3", endpoint_url=server)
    made.create_bucket(Bucket="logs")
    yield made
    for each in keys(made):
        made.delete_object(Bucket="logs", Key=each)
    made.delete_bucket(Bucket="logs")


def keys(client: Any) -> list[str]:
    return sorted(each["Key"] for each in client.list_objects_v2(Bucket="logs").get("Contents", []))


@ensureDeferred
async def test_days_are_objects_and_late_events_are_added(dsn: str, server: str, client: Any, tmp_path: Path) -> None:
    pool, store = await started_store(dsn)
    one = await registered(store)
    await fill(store, one)
    place = BucketPlace("logs", "ppl/prod", server, tmp_path)
    await set_archiving(pool, place.name)
    await archiver(dsn, place, NOW).run()
    assert [key.rsplit("/", 1)[0] for key in keys(client)] == [
        "ppl/prod/destination=h-1/date=2023-11-14",
        "ppl/prod/destination=h-1/date=2023-11-15",
    ]
    await store.append([events(DAY0 + 9, ["late"], destination=one)])
    everything = {id_ for _, id_ in stored(dsn)}
    await forget(pool, NOW)
    assert (one.id, DAY0 + 9) in stored(dsn)
    await archiver(dsn, place, NOW).run()
    await forget(pool, NOW)
    assert stored(dsn) == set()
    assert downloaded(client, tmp_path) == everything
    assert os.listdir(tmp_path) == ["copy"]
    await pool.stopService()


def downloaded(client: Any, tmp_path: Path) -> set[int]:
    (tmp_path / "copy").mkdir()
    for number, key in enumerate(keys(client)):
        client.download_file("logs", key, str(tmp_path / "copy" / f"{number}.parquet"))
    found = duckdb.sql(f"SELECT id FROM '{tmp_path}/copy/*.parquet'").fetchall()
    assert len(found) == len(set(found))
    return {id_ for (id_,) in found}


@ensureDeferred
async def test_large_files_go_in_parts(server: str, client: Any, tmp_path: Path) -> None:
    place = BucketPlace("logs", "", server, tmp_path)
    with place.draft("big") as draft:
        draft.file.write(bytes(range(256)) * 4096 * 20)
        assert draft.publish() == 20 << 20
    assert "-" in client.head_object(Bucket="logs", Key="big")["ETag"], "an upload in several parts"


@ensureDeferred
async def test_a_refusal_is_logged_once_without_secrets_and_nothing_is_dropped(
    dsn: str, server: str, client: Any, tmp_path: Path
) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store))
    place = BucketPlace("nowhere", "", server, tmp_path)
    await set_archiving(pool, place.name)
    everything = stored(dsn)
    one = archiver(dsn, place, NOW)
    with listening() as logged:
        await one.run()
        await one.run()
    await forget(pool, NOW)
    assert stored(dsn) == everything
    assert len(logged) == 1
    assert "s3://nowhere" in logged[0]
    assert "404" in logged[0]
    assert SECRET not in logged[0]
    assert "AKIATEST" not in logged[0]
    await pool.stopService()


class Liar(BaseHTTPRequestHandler):
    """A server that accepts every upload and gives back something else."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"")

    def do_GET(self) -> None:
        self.answer(b"other")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def lying() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_an_upload_that_reads_back_differently_fails(lying: str, tmp_path: Path) -> None:
    place = BucketPlace("logs", "", lying, tmp_path)
    with pytest.raises(ArchiveUnavailable, match="other bytes"), place.draft("x") as draft:
        draft.file.write(b"1")
        draft.publish()


@ensureDeferred
async def test_a_server_that_is_not_there_or_hangs_keeps_everything_and_no_stop_waits_for_it(
    dsn: str, tmp_path: Path
) -> None:
    pool, store = await started_store(dsn)
    await fill(store, await registered(store))
    await set_archiving(pool, "s3://logs")
    everything = stored(dsn)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hanging = BucketPlace("logs", "", f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path, read_seconds=30)
        one = archiver(dsn, hanging, NOW)
        running = Deferred.fromCoroutine(one.run())
        silent.settimeout(0)
        accepted: list[Any] = []

        def connected() -> bool:
            try:
                accepted.append(silent.accept()[0])
            except BlockingIOError:
                return False
            return True

        await until(connected, "the archiver asks")
        await forget(pool, NOW)
        assert stored(dsn) == everything
        one.stop()
        await running
        for each in accepted:
            each.close()
    with listening() as logged:
        await archiver(dsn, BucketPlace("logs", "", "http://127.0.0.1:1", tmp_path), NOW).run()
    assert len(logged) == 1
    assert "EndpointConnectionError" in logged[0]
    await pool.stopService()
