"""Real rsyslog writes to Elasticsearch's address with omelasticsearch, as it would to Elasticsearch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.running import PplProcess, eventually
from tests.peers.rsyslogd import LINES, needs, rsyslog

pytestmark = pytest.mark.peer


def omelasticsearch(ppl: PplProcess, token: str, errors: Path, more: str = 'bulkmode="on" searchIndex="logs"') -> str:
    return (
        f'type="omelasticsearch" server="127.0.0.1" serverport="{ppl.http_port}" uid="ppl" pwd="{token}"'
        f' errorFile="{errors}" {more}'
    )


@pytest.mark.parametrize(
    ("more", "index"),
    [
        ("", "system"),
        ('searchIndex="logs-app" searchType="_doc"', "logs-app"),
        ('searchIndex="logs-app" searchType="events" bulkmode="on"', "logs-app"),
    ],
    ids=["its defaults", "without bulk mode", "with a type"],
)
def test_every_line_arrives_in_its_other_modes(
    ppl_process: PplProcess, short_directory: Path, more: str, index: str
) -> None:
    needs("omelasticsearch")
    who = ppl_process.register()
    errors, lines = short_directory / "errors", LINES[:20]
    action = omelasticsearch(ppl_process, ppl_process.create_drain(who), errors, more)
    with rsyslog(short_directory, action, 'module(load="omelasticsearch")') as sender:
        sender.write(lines)
        eventually(lambda: len(ppl_process.messages(who.port)) >= len(lines), "the lines", 60)
    said = f"{sender.said()}\n{errors.read_text('utf-8') if errors.exists() else ''}"
    assert ppl_process.messages(who.port) == lines, said
    rows = ppl_process.rows(f'SELECT DISTINCT severity, facility, structured_data ~ \'"_index":"{index}"\' FROM event')
    assert rows == [(4, 19, True)], said


def test_every_line_arrives_once_also_while_ppl_is_down(ppl_process: PplProcess, short_directory: Path) -> None:
    needs("omelasticsearch")
    who = ppl_process.register()
    errors = short_directory / "errors"
    action = omelasticsearch(ppl_process, ppl_process.create_drain(who), errors)
    with rsyslog(short_directory, action, 'module(load="omelasticsearch")') as sender:
        sender.write(LINES)
        eventually(lambda: len(ppl_process.messages(who.port)) >= len(LINES), "the lines", 60)
        ppl_process.stop()
        sender.write(["while Ppl was down"])
        ppl_process.start()
        eventually(lambda: "while Ppl was down" in ppl_process.messages(who.port), "the line after the start", 60)
    said = f"{sender.said()}\n{errors.read_text('utf-8') if errors.exists() else ''}"
    assert ppl_process.messages(who.port) == [*LINES, "while Ppl was down"], said
    rows = ppl_process.rows('SELECT DISTINCT severity, facility, structured_data ~ \'"_index":"logs"\' FROM event')
    assert rows == [(4, 19, True)], said
    assert not errors.exists() or not errors.read_text("utf-8"), said
