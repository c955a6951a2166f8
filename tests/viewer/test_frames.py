"""Frames of live events: made once for all viewers that get the same, different where anything differs, bounded."""

from __future__ import annotations

import json

from autobahn.twisted.websocket import WebSocketServerFactory

from ppl.live.batch import Batch
from ppl.viewer.frames import EventTexts, LiveFrames, live_update, live_updates, prepared
from tests.viewer.test_session import event

#: Arguments of :meth:`LiveFrames.of` after the batch.
USUAL = ("UTC", False, True)


def live_frames(most_bytes: int = 1 << 20) -> LiveFrames:
    return LiveFrames(EventTexts(), most_bytes)


def payloads(octets: bytes) -> list[bytes]:
    """What the unmasked frames of RFC 6455 carry, each a whole text message."""
    found = []
    while octets:
        assert octets[0] == 0x81
        header, length = 2, octets[1]
        if length >= 126:
            header = 4 if length == 126 else 10
            length = int.from_bytes(octets[2:header])
        found.append(octets[header : header + length])
        octets = octets[header + length :]
    return found


def test_a_prepared_message_is_what_autobahn_prepares() -> None:
    for payload in (b"{}", b"x" * 126, b"x" * 70_000):
        assert prepared(payload) == WebSocketServerFactory().prepareMessage(payload, doNotCompress=True).payloadHybi
        assert payloads(prepared(payload)) == [payload]


def test_the_same_batch_gives_the_very_same_octets() -> None:
    frames, batch = live_frames(), Batch([event(1), event(2)])
    assert frames.of("a:1", batch, *USUAL) is frames.of("a:1", batch, *USUAL)


def test_what_differs_gives_frames_of_its_own() -> None:
    frames, texts, batch = live_frames(), EventTexts(), Batch([event(1), event(2)])
    for zone in ("UTC", "+05:30"):
        each = [texts.of("a:1", one, zone) for one in batch]
        for is_oldest in (False, True):
            together = frames.of("a:1", batch, zone, is_oldest, True)
            assert payloads(together) == [live_updates(each, is_oldest)]
            single = frames.of("a:1", batch, zone, is_oldest, False)
            assert payloads(single) == [live_update(one, is_oldest) for one in each]
    other = frames.of("b:1", Batch([event(1, message="theirs")]), *USUAL)
    assert b"theirs" in other, "ids are unique in a destination only"


def test_the_columns_that_a_viewer_asked_for_come_with_each_event() -> None:
    frames, batch = live_frames(), Batch([event(1, message="status=500 id=7"), event(2, message="none")])
    for columns, values in ((("status",), {"status": "500"}), (("id", "status"), {"id": "7", "status": "500"})):
        (payload,) = payloads(frames.of("a:1", batch, *USUAL, columns))
        first, second = json.loads(payload)["data"]["events"]
        assert first["columns"] == values
        assert "columns" not in second
    (payload,) = payloads(frames.of("a:1", batch, *USUAL))
    assert b"columns" not in payload


def test_a_batch_whose_json_is_long_is_cut_into_several_frames() -> None:
    batch = Batch(event(id_, message="\x01" * 100_000) for id_ in range(1, 6))
    found = [json.loads(payload)["data"]["events"] for payload in payloads(live_frames().of("a:1", batch, *USUAL))]
    assert len(found) == 3
    assert [each["id"] for part in found for each in part] == ["1", "2", "3", "4", "5"]


def test_what_is_kept_is_bounded() -> None:
    frames = live_frames(10_000)
    for id_ in range(1, 100):
        frames.of("a:1", Batch([event(id_, message="x" * 3000)]), *USUAL)
        assert frames.held_bytes <= 10_000


def test_what_is_forgotten_is_the_oldest_one_by_one() -> None:
    texts = EventTexts(most=3)
    first = [texts.of("a:1", event(id_), "UTC") for id_ in range(1, 5)]
    again = [texts.of("a:1", event(id_), "UTC") for id_ in (2, 3, 4, 1)]
    assert [one is other for one, other in zip(first[1:] + first[:1], again, strict=True)] == [True, True, True, False]
    frames = live_frames(10_000)
    batches = [Batch([event(id_, message="x" * 3000)]) for id_ in range(1, 6)]
    made = [frames.of("a:1", batch, *USUAL) for batch in batches]
    assert all(frames.of("a:1", batch, *USUAL) is octets for batch, octets in list(zip(batches, made, strict=True))[2:])


def test_frames_longer_than_what_is_kept_are_made_once() -> None:
    frames = live_frames(10_000)
    for id_ in (1, 2):
        batch = Batch([event(id_, message="x" * 30_000)])
        assert frames.of("a:1", batch, *USUAL) is frames.of("a:1", batch, *USUAL)
