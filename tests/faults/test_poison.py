"""Lines that PostgreSQL refuses, and lines that it would refuse unchanged: neither block the lines beside them."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from tests.faults.lines import LineSender
from tests.faults.tally import Measured, tallies
from tests.fixtures.relp import RelpSender, RelpSession
from tests.fixtures.running import PplProcess, eventually

pytestmark = [pytest.mark.long, pytest.mark.beside, pytest.mark.timeout(180)]

RULE = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF new.message LIKE 'poison %%' THEN RAISE SQLSTATE '22023'; END IF; RETURN new; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION refuse();
"""
#: Lines with parts that PostgreSQL's texts, numbers or times cannot hold unchanged.
ODD = [
    b"<13>1 - h app - - - nul \0 within",
    b"\0a\0b",
    b"<13>1 - h app - - - no utf-8 \xff\xfe \xed\xa0\x80 \xf4\x90\x80\x80",
    b"<13>1 0000-00-00T00:00:00Z h app - - - no date",
    b"<13>1 9999-12-31T23:59:60.999999-23:59 h app - - - the last second",
    b"<13>1 0001-01-01T00:00:00+23:59 h app - - - the first",
    b"<13>1 2016-02-30T24:61:61Z h app - - - no time",
    b"<191>1 - h\0st app\0 pr\0c m\0 [a@1 b=\"\0\\\"] nul everywhere",
    b"<999999999999999999999>1 - h app - - - no priority",
    b"<13>Feb 30 25:61:61 h app: no time either",
    b"\\N\t\\.\t\\\\",
    b"\\.",
    b"{}\",NULL,\\",
]  # fmt: skip


def test_refused_lines_among_floods_cost_only_themselves(ppl_process: PplProcess, measured: Measured) -> None:
    ppl = ppl_process
    who, quiet = ppl.register(), ppl.register()
    ppl.rows(RULE)
    flood, poison = LineSender(who, "flood", 15_000), LineSender(who, "poison", 20)
    relp, express = RelpSender(who, "relp", rate=1_000), RelpSender(quiet, "express", rate=50)
    senders = [flood, poison, relp, express]
    for sender in senders:
        sender.start()
    eventually(lambda: poison.sent >= 100, "poison", 60)
    for sender in senders:
        sender.finish()
    eventually(lambda: len(ppl.messages(who.port)) >= flood.sent + relp.sent, "every line but the refused", 60)
    for each, found in zip((who, who, quiet), ((flood,), (relp,), (express,)), strict=True):
        (counted,) = tallies(ppl, each, found, measured)
        assert (counted.lost, counted.doubled, counted.in_order) == (0, 0, True)
    logged = re.findall("PostgreSQL refused an event of .*SQLSTATE 22023.*not stored", ppl.text())
    measured(f"{poison.sent} refused, {len(logged)} logged")
    assert len(logged) == poison.sent
    assert "Traceback" not in ppl.text()


def test_a_refused_message_is_answered_so_that_its_sender_goes_on(ppl_process: PplProcess) -> None:
    ppl = ppl_process
    who = ppl.register()
    ppl.rows(RULE)
    with closing(RelpSession(who.host, who.port)) as session:
        session.send([b"<13>1 - h app - - - " + text for text in (b"one", b"poison two", b"three")])
        eventually(lambda: session.listen(0.1) or session.acknowledged == 3, "three answers")
    assert ppl.messages(who.port) == ["one", "three"]


def test_what_postgresql_could_not_keep_is_stored_in_a_form_that_it_can(ppl_process: PplProcess) -> None:
    ppl = ppl_process
    who = ppl.register()
    with closing(RelpSession(who.host, who.port)) as session:
        # One by one, then so many that they are stored by COPY.
        for each in ODD:
            session.send([each])
            eventually(lambda: session.listen(0.1) or session.acknowledged, "an answer")
            session.acknowledged = 0
        session.send(ODD * 100)
        eventually(lambda: session.listen(0.1) or session.acknowledged == len(ODD) * 100, "all answers")
    messages = ppl.messages(who.port)
    assert len(messages) == len(ODD) * 101
    assert messages == messages[: len(ODD)] * 101, "INSERT and COPY store the same"
    assert "refused" not in ppl.text()
    assert "Traceback" not in ppl.text()
