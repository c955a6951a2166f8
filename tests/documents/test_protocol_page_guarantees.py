"""The protocol page's guarantees, statement by statement in its order, over real sockets against a running Ppl."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.documents.test_protocol_page import LINE, ingest, numbered, who
from tests.fixtures.running import PplProcess, Registered, eventually
from tests.fixtures.watching import Viewer, messages

__all__ = ["who"]


@pytest.fixture
def short_queues(dsn: str, short_directory: Path) -> Iterator[PplProcess]:
    """A running Ppl in which few events may wait for a slow viewer."""
    ppl = PplProcess(dsn, short_directory, "one", {"PPL_VIEWER_QUEUE_EVENTS": "100"})
    try:
        ppl.start()
        yield ppl
    finally:
        ppl.stop()


def test_what_was_seen_live_is_in_the_database(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.identify()
        shared_ppl.send(who.port, "".join(f"{line}\n" for line in numbered(*range(200))).encode())
        for event in viewer.live(200):
            stored = shared_ppl.rows("SELECT message FROM event WHERE id = %s", int(event["id"]))
            assert stored == [(event["message"],)]


def test_pause_resume_and_reconnect_leave_no_gap_and_no_duplicate(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        got = messages(viewer.identify())
        ingest(shared_ppl, who, *numbered(0, 1))
        got += [event["message"] for event in viewer.live(2)]
        viewer.send("pause_live_update")
        viewer.expect_nothing()
        ingest(shared_ppl, who, *numbered(2, 3))
        viewer.send("resume_live_update")
        data = viewer.expect("send_logs")
        assert messages(data)[: len(got)] == got, "the newest portion again"
        got = messages(data)
        ingest(shared_ppl, who, *numbered(4))
        got += [event["message"] for event in viewer.live(1)]
        known = viewer.received[-1][1]["event"]["id"]
    ingest(shared_ppl, who, *numbered(5, 6))
    with Viewer(shared_ppl.url, who) as viewer:
        got += messages(viewer.identify(since=known))
        ingest(shared_ppl, who, *numbered(7))
        got += [event["message"] for event in viewer.live(1)]
    assert got == [f"line {number}" for number in range(8)]


def test_a_slow_reader_is_told_of_the_gap_can_fetch_it_and_slows_nobody(short_queues: PplProcess) -> None:
    ppl = short_queues
    who = ppl.register()
    count, text = 20_000, b"x" * 1000
    with Viewer(ppl.url, who) as slow, Viewer(ppl.url, who) as quick:
        slow.identify(batch=True, logs_portion="1000")
        quick.identify(batch=True)
        # The slow client reads only a few frames ahead until it is asked for them. No more events come at once than may
        # wait: so on a busy machine too, a client that takes them all before the next is never behind.
        for first in range(0, count, 100):
            ppl.send(who.port, b"".join(b"<13>1 - h a - - - %d %s\n" % (first + each, text) for each in range(100)))
            assert len(quick.live(100)) == 100
        eventually(lambda: ppl.count(who.port) == count, "every line stored")
        ids: list[int] = []
        gaps: list[dict[str, Any]] = []
        while len(ids) + sum(gap["skipped"] for gap in gaps) < count:
            name, data = slow.next()
            if name == "live_gap":
                gaps.append(data)
            else:
                ids += [int(event["id"]) for event in data["events"]]
        assert gaps, "more came than may wait"
        for gap in gaps:
            ids += fetched(slow, gap)
    assert sorted(set(ids)) == sorted(ids), "nothing twice"
    assert len(ids) == count, "nothing is missing"


def fetched(viewer: Viewer, gap: dict[str, Any]) -> list[int]:
    """The ids of the events that were left out, fetched with as many ``get_logs`` as it takes."""
    after, ids = int(gap["from"]) - 1, []
    while len(ids) < gap["skipped"]:
        viewer.send("get_logs", {"after": str(after), "before": str(int(gap["to"]) + 1)})
        ids += [int(event["id"]) for event in viewer.expect("send_logs")["events"]]
        after = ids[-1]
    return ids


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({"logs_portion": "-1"}, "bad_logs_portion"),
        ({"logs_portion": "1001"}, "bad_logs_portion"),
        ({"logs_portion": "9" * 400}, "bad_logs_portion"),
        ({"logs_portion": "ten"}, "bad_logs_portion"),
        ({"logs_portion": {}}, "bad_logs_portion"),
        ({"watched_ip": "1.2.3.4'; DROP TABLE event; --"}, "bad_watched_ip"),
        ({"watched_ip": 7}, "bad_watched_ip"),
        ({"user_id": ["x"]}, "bad_user_id"),
        ({"user_id": None}, "bad_user_id"),
        ({"batch": "perhaps"}, "bad_batch"),
        ({"since": "yesterday"}, "bad_since"),
        ({"query": 7}, "bad_query"),
    ],
)
def test_every_field_from_the_network_is_checked(
    shared_ppl: PplProcess, who: Registered, data: dict[str, Any], code: str
) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.send("send_user_data", {"user_id": who.user_id, "watched_ip": "", "logs_portion": "10", **data})
        error = viewer.expect("error")
        assert (error["code"], error["event"]) == (code, "send_user_data")
        assert viewer.identify()["events"] == [], "the connection is still of use"


def test_requests_out_of_order_are_refused(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        for event in ("get_logs", "pause_live_update", "resume_live_update"):
            viewer.send(event)
            assert viewer.expect("error") | {"message": ""} == {"code": "not_identified", "event": event, "message": ""}
        viewer.identify()
        viewer.send("send_user_data", {"user_id": who.user_id, "watched_ip": "", "logs_portion": "10"})
        assert viewer.expect("error")["code"] == "already_identified"


def test_an_oversized_frame_closes_the_connection_and_costs_nobody_else(
    shared_ppl: PplProcess, who: Registered
) -> None:
    from websockets.exceptions import ConnectionClosed

    with Viewer(shared_ppl.url, who) as big, Viewer(shared_ppl.url, who) as other:
        other.identify()
        big.send_text(json.dumps({"event": "send_user_data", "data": {"user_id": "x" * 100_000}}))
        assert big.expect("error")["code"] == "frame_too_large"
        with pytest.raises(ConnectionClosed) as closed:
            big.next()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        ingest(shared_ppl, who, LINE)
        other.live(1)
