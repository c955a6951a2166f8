"""The token of a destination in its lines: where it may stand, and that nothing of it is kept."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_twisted import ensureDeferred

from ppl.access.secrets import new_sender_token, secret_hash
from ppl.listener.limits.sender_tokens import MOST_WRONG, Strikes, TokenCheck
from ppl.model import SECOND, Destination
from ppl.sources.framing import Frames
from ppl.sources.message import parse_message
from ppl.store.postgres import PostgresStore
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import Receiving, connect, messages, send
from tests.waiting import until

NOW = 1_795_430_000 * SECOND
TOKEN, OTHER = "A1b2C3d4E5f6G7h8I9j0K1l2M3", "zzzzzzzzzzzzzzzzzzzzzzzzzz"
CHECK = TokenCheck([secret_hash(OTHER), secret_hash(TOKEN)])
T = "2026-11-23T12:00:01.000002Z"


def screened(*texts: str) -> tuple[list[tuple[Any, ...]], list[int]]:
    """Program, structured data and message of each kept line, and the positions of the others."""
    parsed = parse_message(Frames(block="".join(f"{text}\n" for text in texts).encode()), NOW)
    lines, wrong = CHECK.screen(parsed, NOW, UTC)
    assert len(lines) + len(wrong) == len(parsed)
    return list(zip(lines.file_name, lines.structured_data, lines.message, strict=True)), list(wrong)


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (f"<22>1 {T} h app - - [{TOKEN}@41058] hello", ("app", "", "hello")),
        (f'<22>1 {T} h app 1 m [a@1 b="c"][{TOKEN}@41058][d@2] hello', ("app", '[a@1 b="c"][d@2]', "hello")),
        (f'<22>1 {T} h app 1 m [a@1 b="\\]["][{TOKEN}@41058] hello', ("app", '[a@1 b="\\]["]', "hello")),
        (f"<22>1 {T} h app 1 m [{OTHER}@41058][{TOKEN}@41058] {TOKEN} x", ("app", "", "x")),
        (f"<22>1 {T} h app - - - {TOKEN} hello", ("app", "", "hello")),
        (f"<22>1 - - - - - - {TOKEN} hello", ("", "", "hello")),
        (f"{TOKEN} hello, Ppl", ("", "", "hello, Ppl")),
        (f"{TOKEN} <13>1 {T} h app - - - hello", ("app", "", "hello")),
        (f"<13>{TOKEN} app: hello", ("app", "", "hello")),
        (f"{TOKEN} Nov 23 12:00:01 h app[7]: hello", ("app", "", "hello")),
        (f"<13>Nov 23 12:00:01 h app[7]: {TOKEN} hello", ("app", "", "hello")),
        (TOKEN, ("", "", "")),
        (f"{TOKEN} my token is {TOKEN}", ("", "", "my token is [token]")),
        (f'<22>1 {T} h app - - [{TOKEN}@41058][a@1 t="{TOKEN}"] x', ("app", '[a@1 t="[token]"]', "x")),
    ],
)
def test_it_is_found_where_it_may_stand_and_taken_out(line: str, kept: tuple[str, str, str]) -> None:
    assert screened(line) == ([kept], [])


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        f"{TOKEN[:-1]}x hello",
        f"x{TOKEN} hello",
        f"{TOKEN}x hello",
        f"hello {TOKEN}",
        f"<22>1 {T} {TOKEN} {TOKEN} {TOKEN} {TOKEN} - hello",
        f"<22>1 {T} h app - - [{TOKEN}@41059] hello",
        f'<22>1 {T} h app - - [{TOKEN}@41058 a="b"] hello',
        f'<22>1 {T} h app - - [a@1 b="[{TOKEN}@41058]"] hello',
        f"<22>1 {T} h app - - - hello [{TOKEN}@41058]",
        f"<22>1 {T} h app - - [@41058] hello",
    ],
)
def test_lines_without_it_are_left_out(line: str) -> None:
    assert screened(f"{TOKEN} a", line, f"{OTHER} b") == ([("", "", "a"), ("", "", "b")], [1])


def test_a_token_fits_into_an_element_of_rfc_5424() -> None:
    assert len(new_sender_token()) == 26
    assert len(f"{new_sender_token()}@41058") <= 32, "the longest SD-ID"
    assert new_sender_token() != new_sender_token()


@given(st.lists(st.lists(st.booleans(), min_size=1, max_size=150), max_size=8))
def test_strikes_are_the_wrong_lines_in_a_row(reads: list[list[bool]]) -> None:
    strikes, in_a_row = Strikes(), 0
    for read in reads:
        strikes.count(len(read), [position for position, is_wrong in enumerate(read) if is_wrong])
        for is_wrong in read:
            in_a_row = in_a_row + 1 if is_wrong else 0
        assert strikes.in_a_row == in_a_row
        assert strikes.is_out == (in_a_row >= MOST_WRONG)


async def opened(store: PostgresStore, make_destination: Any, receiving: Receiving) -> tuple[Destination, Destination]:
    """A destination that asks for the token, and one that does not."""
    asking, other = await make_destination(), await make_destination()
    asking = attrs.evolve(asking, token_hashes=[secret_hash(TOKEN)])
    for each in (asking, other):
        receiving.ports.open(each)
    await until(lambda: len(receiving.reported) == 2, "open ports")
    return asking, other


@ensureDeferred
async def test_a_connection_of_wrong_lines_only_ends_and_others_go_on(
    store: PostgresStore, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    asking, other = await opened(store, make_destination, receiving)
    stranger = await connect(asking.port)
    stranger.transport.write(b"forged\n" * (MOST_WRONG - 1))
    await send(other.port, b"no token needed\n")
    await until(lambda: receiving.announced, "the other's line")
    assert len(receiving.intake_of(asking).connections) == 1
    stranger.transport.write(b"forged\n")
    await stranger.gone
    await send(asking.port, f"{TOKEN} mine\nforged\n{TOKEN} mine too".encode())
    await until(lambda: sum(map(len, receiving.announced)) == 3, "all lines")
    assert await messages(store, asking) == ["mine", "mine too"]
    assert await messages(store, other) == ["no token needed"]
    assert receiving.intake.meters.of(asking).take_unsaid() == [
        f"{MOST_WRONG + 1} lines dropped: they lack this destination's token"
    ]


@ensureDeferred
async def test_a_change_of_tokens_holds_for_open_connections(
    store: PostgresStore, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    asking, _ = await opened(store, make_destination, receiving)
    sender = await connect(asking.port)
    sender.transport.write(f"{TOKEN} one\n".encode())
    await until(lambda: receiving.announced, "a line")
    for hashes in ([secret_hash(TOKEN), secret_hash(OTHER)], [secret_hash(OTHER)]):
        receiving.ports.open(attrs.evolve(asking, token_hashes=hashes))
        sender.transport.write(f"{TOKEN} {len(hashes)}\n{OTHER} {len(hashes)}\n".encode())
        wanted = 4 if len(hashes) == 1 else 3
        await until(lambda wanted=wanted: sum(map(len, receiving.announced)) == wanted, "what is valid")  # type: ignore[misc]
    receiving.ports.open(attrs.evolve(asking, token_hashes=[]))
    sender.transport.write(b"none is needed\n")
    await until(lambda: sum(map(len, receiving.announced)) == 5, "what needs none")
    assert await messages(store, asking) == ["one", "2", "2", "1", "none is needed"]


@ensureDeferred
async def test_strangers_use_up_no_quota(
    store: PostgresStore, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store, max_bytes_per_day=200)
    asking, _ = await opened(store, make_destination, receiving)
    await send(asking.port, b"forged\n" * 50)
    await send(asking.port, f"{TOKEN} mine\n".encode())
    await until(lambda: receiving.announced, "a line")
    assert await messages(store, asking) == ["mine"]
