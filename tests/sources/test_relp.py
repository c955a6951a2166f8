"""RELP as specified in librelp's doc/relp.md: each command answered once, in order, a message after its commit."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ppl.sources.relp import Relp, RelpError


def frame(transaction: int, command: bytes, data: bytes = b"") -> bytes:
    return b"%d %s %d%s\n" % (transaction, command, len(data), b" " + data if data else b"")


OPEN = frame(1, b"open", b"relp_version=0\nrelp_software=tests\ncommands=syslog")
OFFERS = b"200 OK\nrelp_version=0\nrelp_software=ppl\ncommands=syslog"
OPENED = frame(1, b"rsp", OFFERS)


def opened(max_data: int = 1000) -> Relp:
    relp = Relp(max_data)
    assert relp.feed(OPEN) == []
    assert relp.take_output() == OPENED
    return relp


def test_a_session_from_open_to_close() -> None:
    relp = opened()
    assert relp.feed(frame(2, b"syslog", b"<13>1 - h a - - - one") + frame(3, b"syslog", b"two")) == [
        b"<13>1 - h a - - - one",
        b"two",
    ]
    assert relp.take_output() == b"", "nothing is durable yet"
    relp.acknowledge(1)
    assert relp.take_output() == b"2 rsp 6 200 OK\n"
    relp.feed(frame(4, b"close"))
    assert relp.take_output() == b"", "answers come in the order of receipt"
    assert not relp.closed
    relp.acknowledge(1)
    assert relp.take_output() == b"3 rsp 6 200 OK\n4 rsp 0\n0 serverclose 0\n"
    assert relp.closed


def test_the_version_that_is_offered_is_accepted_up_to_ours() -> None:
    for offered, accepted in ((b"0", b"0"), (b"1", b"1"), (b"7", b"1")):
        relp = Relp(1000)
        relp.feed(frame(1, b"open", b"commands=syslog\nrelp_version=" + offered))
        assert b"\nrelp_version=" + accepted + b"\n" in relp.take_output()


def test_an_empty_message_is_a_message() -> None:
    relp = opened()
    assert relp.feed(b"2 syslog 0\n3 syslog 0 \n") == [b"", b""]
    relp.acknowledge(2)
    assert relp.take_output() == b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n"


def test_an_unknown_command_is_refused_in_its_turn() -> None:
    relp = opened()
    relp.feed(frame(2, b"syslog", b"x") + frame(3, b"starttls") + frame(4, b"syslog", b"y"))
    relp.acknowledge(1)
    assert relp.take_output() == b"2 rsp 6 200 OK\n3 rsp 19 500 unknown command\n"
    relp.acknowledge(1)
    assert relp.take_output() == b"4 rsp 6 200 OK\n"


def test_a_hint_has_no_answer() -> None:
    relp = opened()
    assert relp.feed(b"0 whatever 3 abc\n") == []
    assert relp.take_output() == b""


@pytest.mark.parametrize(
    "data",
    [
        b"hello\n",
        b"1 open\n",
        b"1 open x\n",
        b"1  open 3 abc\n",
        b"9999999999 syslog 1 a\n",
        b"2 " + b"a" * 60,
        b"2 sys\x00log 1 a\n",
        b"2 syslog 3 abcX",
        b"2 syslog 999999999 a",
        b"2 syslog 131073 a",
        frame(2, b"open", b"commands=syslog"),
    ],
)
def test_what_is_no_relp_is_an_error(data: bytes) -> None:
    with pytest.raises(RelpError):
        opened().feed(data)


def test_a_command_before_open_or_after_close_is_an_error() -> None:
    with pytest.raises(RelpError):
        Relp(1000).feed(frame(1, b"syslog", b"x"))
    relp = opened()
    with pytest.raises(RelpError):
        relp.feed(frame(2, b"close") + frame(3, b"syslog", b"x"))


def test_what_came_before_a_fault_in_the_same_read_is_not_lost() -> None:
    relp = opened()
    with pytest.raises(RelpError) as caught:
        relp.feed(frame(2, b"syslog", b"good") + b"?")
    assert caught.value.messages == [b"good"]
    relp.acknowledge(1)
    assert relp.take_output() == b"2 rsp 6 200 OK\n"


def test_a_longer_limit_for_lines_raises_the_limit_for_data() -> None:
    data = b"x" * 200_000
    assert opened(200_000).feed(frame(2, b"syslog", data)) == [data]


def test_a_frame_in_single_bytes_is_looked_at_once() -> None:
    relp = opened()
    data = frame(2, b"syslog", b"x" * 100_000)
    got = [message for index in range(len(data)) for message in relp.feed(data[index : index + 1])]
    assert got == [b"x" * 100_000]


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.binary(max_size=30), st.sampled_from([b"close me", b"0 x 1 a\n"])), max_size=12),
    st.lists(st.integers(1, 40), min_size=1),
    st.data(),
)
def test_any_cut_and_any_order_of_commits_answers_each_once_in_order(
    messages: list[bytes], cuts: list[int], data: st.DataObject
) -> None:
    relp = opened()
    stream = b"".join(frame(number, b"syslog", message) for number, message in enumerate(messages, 2))
    got: list[bytes] = []
    output = b""
    acknowledged = position = 0
    while position < len(stream):
        cut = cuts[position % len(cuts)]
        got += relp.feed(stream[position : position + cut])
        position += cut
        count = data.draw(st.integers(0, len(got) - acknowledged))
        relp.acknowledge(count)
        acknowledged += count
        output += relp.take_output()
    relp.acknowledge(len(got) - acknowledged)
    output += relp.take_output()
    assert got == messages
    assert output == b"".join(b"%d rsp 6 200 OK\n" % number for number in range(2, len(messages) + 2))
    assert relp.pending == 0


@settings(max_examples=300)
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from([OPEN, b"2 syslog 3 abc\n", b"3 close 0\n"]))))
def test_any_bytes_are_understood_or_refused(reads: list[bytes]) -> None:
    relp = Relp(1000)
    waiting = 0
    for read in reads:
        try:
            waiting += len(relp.feed(read))
        except RelpError as error:
            waiting += len(error.messages)
            break
    relp.acknowledge(waiting)
    relp.take_output()
    assert relp.pending == 0
