"""Reading requests and form fields."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.web.http.answers import BadRequest, UnsupportedType
from ppl.web.http.forms import WrongField, email_of, label_of, login_path, new_password_of, next_of, time_zone_of
from ppl.web.http.visit import Visit, fields_of

FORM = "application/x-www-form-urlencoded"


def visit(body: bytes, kind: str | None = FORM, path: str = "/login") -> Visit:
    headers = {} if kind is None else {"content-type": kind}
    return Visit("POST", path, path, {}, headers, body, "127.0.0.1", False, False)


def test_a_form_is_read_as_utf_8() -> None:
    assert visit(b"a=%C3%BC&b=x+y&c=", f"{FORM}; charset=utf-8").form() == {"a": "ü", "b": "x y", "c": ""}
    assert visit(b"", None).form() == {}


@pytest.mark.parametrize("body", [b"a=%FF", b"a=\xff", b"a=1&a=2", b"&".join(b"%d=" % n for n in range(21))])
def test_a_form_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        visit(body).form()


@pytest.mark.parametrize("kind", [None, "text/plain", "multipart/form-data; boundary=x", "application/json"])
def test_pages_read_no_other_type_of_form(kind: str | None) -> None:
    with pytest.raises(UnsupportedType):
        visit(b'{"a": "b"}', kind).form()


def test_programs_may_send_json() -> None:
    assert visit(b'{"a": "b"}', "application/json", "/api/test-line").form() == {"a": "b"}


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a": 1}', b"\xff", b"[" * 60_000])
def test_json_that_is_no_object_of_strings_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        visit(body, "application/json", "/api/test-line").form()


@given(st.binary(max_size=200))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        assert all(isinstance(value, str) for value in visit(body).form().values())


def test_too_many_fields_are_no_form() -> None:
    with pytest.raises(ValueError, match="fields"):
        fields_of("&".join(f"{number}=" for number in range(1000)))


# Fields


@pytest.mark.parametrize("text", ["user@gmail.com", " User@Gmail.com ", "üser@exämple.com", "a+b@localhost"])
def test_an_email_address_is_taken_in_lower_case(text: str) -> None:
    assert email_of({"email": text}) == text.strip().lower()


@pytest.mark.parametrize(
    "text", ["", "user", "@", "a@b@c", "a b@c", "a@", "@b", "a@b\0", "a@\u202eb", f"{'a' * 65}@b", f"a@{'b' * 260}"]
)
def test_what_is_no_email_address_is_refused(text: str) -> None:
    with pytest.raises(WrongField) as wrong:
        email_of({"email": text})
    assert wrong.value.field == "email"


def test_a_password_has_8_to_1024_characters() -> None:
    for length in (8, 1024):
        assert new_password_of({"password": "x" * length}) == "x" * length
    for length in (0, 7, 1025):
        with pytest.raises(WrongField):
            new_password_of({"password": "x" * length})


@pytest.mark.parametrize("text", ["+02.00", "-05:30", "Europe/Berlin", "UTC"])
def test_a_time_zone_is_an_offset_or_a_name(text: str) -> None:
    assert time_zone_of({"timeZone": text}) == text


def test_no_time_zone_is_utc() -> None:
    assert time_zone_of({}) == time_zone_of({"timeZone": " "}) == "UTC"


@pytest.mark.parametrize("text", ["+25:00", "Mars/Olympus", "../../etc/passwd", "x\0", "Europe"])
def test_any_other_time_zone_is_refused(text: str) -> None:
    with pytest.raises(WrongField):
        time_zone_of({"timeZone": text})


@pytest.mark.parametrize("text", ["", " ", "x" * 101, "a\nb", "a\0"])
def test_a_label_is_a_short_line(text: str) -> None:
    with pytest.raises(WrongField):
        label_of({"label": text})


@pytest.mark.parametrize("path", ["/", "/settings", "/?q=a%20b&c=d", "/a/b#c"])
def test_after_login_one_goes_on_to_a_page_of_ours(path: str) -> None:
    assert next_of({"next": path}) == path


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "/a\r\nSet-Cookie: a=b",
        "/a b",
        "/ü",
        "/a\\..\\b",
        "/" + "a" * 3000,
    ],
)
def test_no_next_leads_elsewhere(path: str) -> None:
    assert next_of({"next": path}) == "/"


def test_the_login_page_carries_where_to_go_on_to() -> None:
    assert login_path("/") == "/login"
    assert login_path("/?q=a%20b&c") == "/login?next=/%3Fq%3Da%2520b%26c"
