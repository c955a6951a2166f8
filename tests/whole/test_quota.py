"""End to end in both forms: senders over a quota are told so in each way of sending; others lose nothing."""

from __future__ import annotations

import json
import re

import pytest

from tests.fixtures.restricting import change, send_relp, send_tcp, send_tls, send_udp, upload
from tests.fixtures.running import PplProcess, Registered, eventually

pytestmark = [pytest.mark.long, pytest.mark.beside]


def numbered(what: str, count: int) -> list[bytes]:
    return [b"<13>1 - h app - - - %s %d" % (what.encode(), number) for number in range(count)]


def counted(ppl: PplProcess, who: Registered) -> tuple[int, int]:
    """The saved counts of lines that were accepted and dropped."""
    sql = (
        "SELECT coalesce(sum(lines), 0)::int, coalesce(sum(dropped), 0)::int FROM intake_hour i"
        " JOIN destination d ON d.id = i.destination_id WHERE port = %s"
    )
    ((lines, dropped),) = ppl.rows(sql, who.port)
    return lines, dropped


def test_lines_beyond_the_rate_are_dropped_and_said(ppl_forms: PplProcess) -> None:
    first, second = ppl_forms.register(), ppl_forms.register()
    tokens = {who: ppl_forms.create_drain(who) for who in (first, second)}
    change(ppl_forms, first, "quota", lines_per_second="1", megabytes_per_day="")
    count = 100
    answers = {}
    for who in (first, second):
        send_tcp(who.port, b"\n".join([*numbered("tcp", count), b""]))
        send_tls(who.port, b"\n".join([*numbered("tls", count), b""]))
        answers[who] = send_relp(who.port, numbered("relp", count))
        for line in numbered("udp", count):
            send_udp(who.port, line)
    # An upload is accepted whole: when there is room for one line there is room for all of it.
    body = b"\n".join(numbered("http", count))
    eventually(lambda: upload(ppl_forms, tokens[first], body)[0] == 200, "an upload within the quota")
    status, headers, answer = upload(ppl_forms, tokens[first], b"refused")
    assert (status, json.loads(answer)["error"]["code"]) == (429, "over_quota")
    assert 50 <= int(headers["Retry-After"]) <= 101
    assert upload(ppl_forms, tokens[second], body)[0] == 200
    assert answers[second] == [b"200 OK"] * count
    assert len(answers[first]) == count, "every message is answered"
    assert set(answers[first]) <= {b"200 OK", b"500 not taken"}
    eventually(lambda: ppl_forms.count(second.port) == 5 * count, "all lines of the other destination")
    # The stop logs and saves the counts, as happens each minute.
    ppl_forms.stop()
    messages = ppl_forms.messages(first.port)
    own = [each for each in messages if each.endswith("more than 1 line/s (quota)")]
    stored = len(messages) - len(own)
    assert messages.count("refused") == 0
    assert sum(each.startswith("relp") for each in messages) == answers[first].count(b"200 OK")
    said = [int(found[1].replace(",", "")) for each in own if (found := re.match(r"([\d,]+) lines? dropped: ", each))]
    assert counted(ppl_forms, first) == (stored, 5 * count - stored)
    assert sum(said) == 5 * count - stored > 3 * count
    assert any(re.match(r"\d+ uploads? refused: ", each) for each in own)
    assert set(ppl_forms.rows("SELECT hostname, file_name, severity FROM event WHERE message ~ 'quota'")) == {
        ("ppl", "ppl", 4)
    }
    assert counted(ppl_forms, second) == (5 * count, 0)
    ppl_forms.start()
    page = re.sub(r"\s+", " ", ppl_forms.page(first, "/dashboard"))
    assert "<dt>Line quota</dt><dd>1 line/s" in page
    assert f'<dd class="warning">{5 * count - stored} lines</dd>' in page
    assert "<dt>Quota</dt><dd>none" in re.sub(r"\s+", " ", ppl_forms.page(second, "/dashboard"))


def test_a_quota_of_a_day_holds_over_restarts_and_is_the_operators_for_all(ppl_forms: PplProcess) -> None:
    ppl_forms.stop()
    ppl_forms.environment["PPL_MAX_BYTES_PER_DAY"] = "3000"
    ppl_forms.start()
    first, second = ppl_forms.register(), ppl_forms.register()
    token = ppl_forms.create_drain(first)
    line = b"x" * 99 + b"\n"
    send_tcp(first.port, line * 20)
    eventually(lambda: ppl_forms.count(first.port) == 20, "20 lines")
    ppl_forms.stop()
    ppl_forms.start()
    send_tcp(first.port, line * 20)
    assert send_relp(first.port, [line] * 5) == [b"500 not taken"] * 5
    status, headers, answer = upload(ppl_forms, token, b"refused")
    assert (status, json.loads(answer)["error"]["code"]) == (429, "over_quota")
    assert 0 < int(headers["Retry-After"]) <= 86_401
    send_tcp(second.port, line * 30)
    eventually(lambda: ppl_forms.count(second.port) == 30, "30 lines of the other destination")
    eventually(lambda: ppl_forms.count(first.port) == 30, "10 more lines of the first destination")
    ppl_forms.stop()
    own = [each for each in ppl_forms.messages(first.port) if not each.startswith("x")]
    assert "15 lines dropped: more than 3,000 bytes a day (quota)" in own
    assert "1 upload refused: more than 3,000 bytes a day (quota)" in own
