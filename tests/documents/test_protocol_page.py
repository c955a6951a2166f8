"""The protocol page, statement by statement in its order, over real sockets against a running Ppl in both forms.

The guarantees are in ``test_protocol_page_guarantees.py``, the link's two sides in ``test_protocol_page_link.py``.
"""

from __future__ import annotations

import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.fixtures.running import PplProcess, Registered, eventually
from tests.fixtures.watching import Viewer, messages

LINE = "<165>1 2016-10-06T21:59:59.123456Z web-01 somefile.log 77 ID47 - some logs..."


@pytest.fixture
def who(shared_ppl: PplProcess) -> Registered:
    """A new account of the running Ppl, two hours east of UTC."""
    return shared_ppl.register(time_zone="+02.00")


def ingest(ppl: PplProcess, who: Registered, *texts: str) -> None:
    """Send lines and wait until they are stored."""
    before = ppl.count(who.port)
    ppl.send(who.port, "".join(f"{text}\n" for text in texts).encode())
    eventually(lambda: ppl.count(who.port) == before + len(texts), f"{len(texts)} more rows")


def numbered(*numbers: int) -> list[str]:
    return [f"<13>1 - host app - - - line {number}" for number in numbers]


# Envelope


def test_every_frame_is_an_event_with_data(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.identify()
        ingest(shared_ppl, who, LINE)
        viewer.live(1)
        assert [name for name, _ in viewer.received] == ["send_logs", "live_update_logs"]
        assert all(isinstance(data, dict) for _, data in viewer.received)


def test_data_may_be_absent_where_an_event_carries_nothing(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.identify()
        viewer.send("get_logs")
        assert viewer.expect("send_logs") == {"events": [], "isOldestEventReached": "true"}


@pytest.mark.parametrize(
    ("frame", "code", "event"),
    [
        ("no json {", "not_json", None),
        ('["send_user_data"]', "bad_envelope", None),
        ('{"event": 7}', "bad_envelope", None),
        ('{"event": "drop_tables", "data": {}}', "unknown_event", "drop_tables"),
        ('{"event": "send_user_data", "data": []}', "bad_data", "send_user_data"),
    ],
)
def test_what_is_not_an_event_gets_an_error_and_the_connection_stays_open(
    shared_ppl: PplProcess, who: Registered, frame: str, code: str, event: str | None
) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.send_text(frame)
        error = viewer.expect("error")
        assert error["code"] == code
        assert error["message"].endswith(".")
        assert error.get("event") == event
        assert viewer.identify()["events"] == []


def test_every_message_is_a_text_frame(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.send_text(b'{"event": "get_logs"}')
        assert viewer.expect("error")["code"] == "not_json"
        assert viewer.identify()["events"] == []


def test_a_frame_that_breaks_websocket_itself_ends_the_connection(shared_ppl: PplProcess, who: Registered) -> None:
    request = [
        "GET /ws HTTP/1.1",
        f"Host: 127.0.0.1:{shared_ppl.http_port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Cookie: {who.cookie_header}",
    ]
    with socket.create_connection(("127.0.0.1", shared_ppl.http_port), timeout=10) as raw:
        raw.sendall(("\r\n".join(request) + "\r\n\r\n").encode())
        answer = raw.makefile("rb")
        assert b" 101 " in answer.readline()
        while answer.readline() != b"\r\n":
            pass
        # RFC 6455, section 5.1: what a client sends is masked; this is not.
        raw.sendall(b"\x81\x02{}")
        assert answer.read(4)[2:] == (1002).to_bytes(2), "closed with 1002, protocol error"


# Addresses


def test_the_viewer_page_leads_to_login_when_not_logged_in(shared_ppl: PplProcess, who: Registered) -> None:
    assert urllib.request.urlopen(shared_ppl.url + "/").url == shared_ppl.url + "/login"
    page = urllib.request.Request(shared_ppl.url + "/", headers={"Cookie": who.cookie_header})
    with urllib.request.urlopen(page) as answer:
        assert answer.url == shared_ppl.url + "/"
        assert who.user_id in answer.read().decode()


@pytest.mark.parametrize(
    ("path", "fields"), [("/register", {"email", "password", "timeZone"}), ("/login", {"email", "password"})]
)
def test_the_forms_have_the_fields_and_a_hidden_csrf_token(shared_ppl: PplProcess, path: str, fields: set[str]) -> None:
    page = urllib.request.urlopen(shared_ppl.url + path).read().decode()
    names = set(re.findall(r'<(?:input|select)[^>]*\bname="([^"]+)"', page))
    assert fields | {"csrf_token"} <= names
    assert re.search(r'<input type="hidden" name="csrf_token"', page)


def test_logging_out_and_in_again_with_the_forms(shared_ppl: PplProcess, who: Registered) -> None:
    shared_ppl.submit(who, "/logout")
    request = urllib.request.Request(shared_ppl.url + "/", headers={"Cookie": who.cookie_header})
    assert urllib.request.urlopen(request).url == shared_ppl.url + "/login"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.open(shared_ppl.url + "/login").read().decode())
    assert token
    fields = {"email": who.email, "password": who.password, "csrf_token": token[1]}
    login = urllib.request.Request(shared_ppl.url + "/login", urllib.parse.urlencode(fields).encode())
    assert browser.open(login).url == shared_ppl.url + "/"
    assert json.load(browser.open(shared_ppl.url + "/api/me"))["email"] == who.email


def test_the_link_is_not_where_browsers_are(shared_ppl: PplProcess) -> None:
    headers = {"Authorization": f"Bearer {shared_ppl.link_secret}"}
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(urllib.request.Request(shared_ppl.url + "/link", headers=headers))
    assert refused.value.code == 404


def test_api_me_says_who_i_am(shared_ppl: PplProcess, who: Registered) -> None:
    request = urllib.request.Request(shared_ppl.url + "/api/me", headers={"Cookie": who.cookie_header})
    assert json.load(urllib.request.urlopen(request)) == {
        "email": who.email,
        "timeZone": "+02.00",
        "destinations": [{"user_id": who.user_id, "host": who.host, "port": who.port, "role": "owner"}],
    }


def test_the_websocket_refuses_a_client_that_is_not_logged_in(shared_ppl: PplProcess, who: Registered) -> None:
    from websockets.exceptions import InvalidStatus

    for headers in ({}, {"Cookie": "ppl_session=guess"}, {"Authorization": "Bearer guess"}):
        with pytest.raises(InvalidStatus) as refused:
            Viewer(shared_ppl.url, who, headers)
        assert refused.value.response.status_code == 401


def test_a_program_may_use_a_bearer_token_of_the_settings_page(shared_ppl: PplProcess, who: Registered) -> None:
    token = shared_ppl.create_token(who)
    with Viewer(shared_ppl.url, who, {"Authorization": f"Bearer {token}"}) as viewer:
        assert viewer.identify()["isOldestEventReached"] == "true"


# Stored event


def test_an_event_has_the_six_fields_of_the_founding_document(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, LINE)
    with Viewer(shared_ppl.url, who) as viewer:
        (event,) = viewer.identify()["events"]
    assert event["created_at"] == "2016-10-06 23:59:59", "in the user's time zone"
    assert event["sender_ip"] == "127.0.0.1"
    assert event["file_name"] == "somefile.log"
    assert event["message"] == "some logs..."
    assert re.fullmatch(r"\d{16}", event["id"]), "an id is a string of digits"


def test_an_event_has_the_added_fields(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, LINE)
    with Viewer(shared_ppl.url, who) as viewer:
        (event,) = viewer.identify()["events"]
    assert event["time"] == "2016-10-06T21:59:59.123456Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["received_at"])
    assert (event["hostname"], event["severity"], event["facility"], event["procid"]) == (
        "web-01",
        "notice",
        "local4",
        "77",
    )


def test_ids_increase_strictly_in_order_of_receipt(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, *numbered(*range(50)))
    with Viewer(shared_ppl.url, who) as viewer:
        events = viewer.identify()["events"]
    ids = [int(event["id"]) for event in events]
    assert ids == sorted(set(ids))
    assert [event["message"] for event in events] == [f"line {number}" for number in range(50)]


# A registered user, as stored


@pytest.mark.parametrize("zone", ["+02.00", "+02:00", "Europe/Kyiv"])
def test_a_time_zone_is_an_offset_or_a_name(shared_ppl: PplProcess, zone: str) -> None:
    who = shared_ppl.register(time_zone=zone)
    ingest(shared_ppl, who, LINE.replace("2016-10-06T21:59:59", "2016-01-06T20:59:59"))
    with Viewer(shared_ppl.url, who) as viewer:
        (event,) = viewer.identify()["events"]
    assert event["created_at"] == "2016-01-06 22:59:59"


def test_a_password_is_stored_only_as_an_argon2id_hash(shared_ppl: PplProcess, who: Registered) -> None:
    ((stored,),) = shared_ppl.rows("SELECT password_hash FROM account WHERE email = %s", who.email)
    assert stored.startswith("$argon2id$")
    assert who.password not in stored


def test_host_is_the_public_name_and_port_is_of_the_range(shared_ppl: PplProcess, who: Registered) -> None:
    assert who.host == "127.0.0.1"
    assert who.port in shared_ppl.ports
    assert who.user_id == f"{who.host}:{who.port}"


# server ⇄ client


def test_each_socket_has_a_state_of_its_own(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, *numbered(*range(4)))
    with Viewer(shared_ppl.url, who) as one, Viewer(shared_ppl.url, who) as other:
        one.identify(logs_portion="1")
        other.identify(logs_portion="2")
        one.send("pause_live_update")
        one.expect_nothing()
        ingest(shared_ppl, who, *numbered(4))
        assert [event["message"] for event in other.live(1)] == ["line 4"]
        one.expect_nothing()
        for viewer, older in ((one, ["line 2"]), (other, ["line 0", "line 1"])):
            viewer.send("get_logs")
            assert messages(viewer.expect("send_logs")) == older


def test_send_user_data_answers_with_the_last_portion(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, *numbered(*range(5)))
    for portion in ("3", 3):
        with Viewer(shared_ppl.url, who) as viewer:
            data = viewer.identify(logs_portion=portion)
            assert messages(data) == ["line 2", "line 3", "line 4"]
            assert data["isOldestEventReached"] == "false"


def test_one_user_may_have_many_sockets(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as one, Viewer(shared_ppl.url, who) as other:
        one.identify()
        other.identify()
        ingest(shared_ppl, who, LINE)
        assert one.live(1) == other.live(1)


@pytest.mark.parametrize("every", ["", "*", None])
def test_watched_ip_empty_absent_or_a_star_means_every_sender(
    shared_ppl: PplProcess, who: Registered, every: str | None
) -> None:
    ingest(shared_ppl, who, LINE)
    with Viewer(shared_ppl.url, who) as viewer:
        data = {"user_id": who.user_id, "logs_portion": "100"}
        viewer.send("send_user_data", data if every is None else {**data, "watched_ip": every})
        assert len(viewer.expect("send_logs")["events"]) == 1


def test_watched_ip_shows_only_that_sender_in_history_and_live(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, *numbered(1))
    with Viewer(shared_ppl.url, who) as same, Viewer(shared_ppl.url, who) as another:
        assert messages(same.identify(watched_ip="127.0.0.1")) == ["line 1"]
        assert messages(another.identify(watched_ip="192.0.2.1")) == []
        ingest(shared_ppl, who, *numbered(2))
        assert [event["message"] for event in same.live(1)] == ["line 2"]
        another.expect_nothing()


def test_a_foreign_user_id_is_forbidden_and_reveals_nothing(shared_ppl: PplProcess, who: Registered) -> None:
    stranger = shared_ppl.register()
    ingest(shared_ppl, who, LINE)
    answers = []
    for user_id in (who.user_id, "127.0.0.1:1", "nowhere.example:514"):
        with Viewer(shared_ppl.url, stranger) as viewer:
            viewer.send("send_user_data", {"user_id": user_id, "watched_ip": "", "logs_portion": "10"})
            answers.append(viewer.expect("error"))
            ingest(shared_ppl, who, LINE)
            viewer.expect_nothing()
    assert answers[0]["code"] == "forbidden"
    assert answers[0] == answers[1] == answers[2]


def test_get_logs_gives_the_next_older_portion_until_the_oldest(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, *numbered(*range(7)))
    with Viewer(shared_ppl.url, who) as viewer:
        assert messages(viewer.identify(logs_portion="3")) == ["line 4", "line 5", "line 6"]
        viewer.send("get_logs", {})
        data = viewer.expect("send_logs")
        assert (messages(data), data["isOldestEventReached"]) == (["line 1", "line 2", "line 3"], "false")
        viewer.send("get_logs")
        data = viewer.expect("send_logs")
        assert (messages(data), data["isOldestEventReached"]) == (["line 0"], "true")


def test_live_update_logs_brings_each_new_event(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.identify()
        ingest(shared_ppl, who, LINE)
        data = viewer.expect("live_update_logs")
        assert set(data) == {"event", "isOldestEventReached"}
        assert data["isOldestEventReached"] in ("true", "false")
        assert data["event"]["message"] == "some logs..."


def test_a_paused_viewer_gets_nothing_live(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.identify()
        viewer.send("pause_live_update")
        viewer.expect_nothing()
        ingest(shared_ppl, who, *numbered(1, 2))
        viewer.expect_nothing()


def test_resume_reads_the_last_portion_again_and_goes_on_live(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.identify(logs_portion="2")
        viewer.send("pause_live_update")
        viewer.expect_nothing()
        ingest(shared_ppl, who, *numbered(1, 2, 3))
        viewer.send("resume_live_update")
        assert messages(viewer.expect("send_logs")) == ["line 2", "line 3"]
        ingest(shared_ppl, who, *numbered(4))
        assert [event["message"] for event in viewer.live(1)] == ["line 4"]


# What Ppl adds


def test_batch_lets_many_events_come_in_one_frame(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.identify(batch=True)
        ingest(shared_ppl, who, *numbered(*range(500)))
        assert [event["message"] for event in viewer.live(500)] == [f"line {number}" for number in range(500)]
        frames = [data for name, data in viewer.received if name == "live_update_logs"]
        assert len(frames) < 500
        assert any(len(frame.get("events", [])) > 1 for frame in frames)


def test_a_query_leaves_out_what_does_not_match_in_history_and_live(shared_ppl: PplProcess, who: Registered) -> None:
    ingest(shared_ppl, who, *numbered(*range(30)))
    with Viewer(shared_ppl.url, who) as viewer:
        answer = viewer.identify(query='line -"line 2"', logs_portion="10", batch=True)
        shown = answer["events"]
        while "isPartial" in answer:
            answer = viewer.expect("send_logs")
            shown = answer["events"] + shown
        assert [event["message"] for event in shown] == [f"line {number}" for number in range(10, 20)]
        ingest(shared_ppl, who, "line 2", "line 3", "nothing")
        assert [event["message"] for event in viewer.live(1)] == ["line 3"]


def test_a_wrong_query_is_refused_with_its_place(shared_ppl: PplProcess, who: Registered) -> None:
    with Viewer(shared_ppl.url, who) as viewer:
        viewer.send("send_user_data", {"user_id": who.user_id, "logs_portion": "10", "query": "timeout ("})
        refused = viewer.expect("error")
        assert (refused["code"], refused["event"], refused["position"]) == ("bad_query", "send_user_data", 9)


def test_since_brings_everything_newer_then_live_without_gap_or_duplicate(
    shared_ppl: PplProcess, who: Registered
) -> None:
    ingest(shared_ppl, who, *numbered(*range(25)))
    with Viewer(shared_ppl.url, who) as viewer:
        known = viewer.identify()["events"][4]
    with Viewer(shared_ppl.url, who) as viewer:
        data = viewer.identify(since=known["id"], logs_portion="8")
        got = messages(data)
        while len(got) < 20:
            got += messages(viewer.expect("send_logs"))
        ingest(shared_ppl, who, *numbered(25))
        got += [event["message"] for event in viewer.live(1)]
    assert got == [f"line {number}" for number in range(5, 26)]
