"""Where an upload comes to and where it has its token, of paths and headers as clients send them."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.listener.http.places import SITE_ADDRESSES, header_secret, place_of
from ppl.sources.elasticsearch import ELASTICSEARCH_BULK, ELASTICSEARCH_TYPED, ELASTICSEARCH_TYPED_BULK
from ppl.sources.kinds import BodyKind, TokenIn
from ppl.sources.known import ADDRESSED, BODIES
from tests.listener.uploading import TOKEN

ALL = tuple(TokenIn)
API_KEY = f"ApiKey {base64.b64encode(f'an-id:{TOKEN}'.encode()).decode()}"


def basic(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("Bearer 123456:abc", "abc"),
        (f"Bearer {TOKEN}", TOKEN),
        ("Splunk abc", "abc"),
        (f"Basic {basic('anybody:abc')}", "abc"),
        (f"Basic {basic('abc:')}", "abc"),
        (f"Basic {basic('abc')}", "abc"),
        (f"Basic {basic('a:b:c')}", "b:c"),
        (f"ApiKey {TOKEN}", TOKEN),
        (f"ApiKey {basic('an id:' + TOKEN)}", TOKEN),
        (f"ApiKey {basic('abc')}", "abc"),
        ("Basic ???", None),
        ("Basic", None),
        ("Bearer ", None),
        ("Digest abc", None),
        ("abc", None),
        ("", None),
    ],
)
def test_the_token_of_a_header_is_found_in_each_form(header: str, secret: str | None) -> None:
    assert header_secret(header, ALL) == secret


def test_a_form_that_a_protocol_does_not_have_is_no_token() -> None:
    assert header_secret("Bearer abc", (TokenIn.BASIC,)) is None


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_any_header_has_a_token_or_none(header: str) -> None:
    found = header_secret(header, ALL)
    assert found is None or found


@given(st.text(alphabet=st.characters(max_codepoint=255)))
def test_a_path_below_logs_is_always_an_upload_and_the_token_is_all_that_is_not_an_address(rest: str) -> None:
    place = place_of(f"/logs/{rest}", "GET")
    assert place is not None
    assert f"{place.secret}{place.address}" == rest


def headers_of(**headers: str) -> Callable[[str], str]:
    return lambda name: headers.get(name, "")


WITH_TOKEN = headers_of(authorization=f"Basic {basic('x:' + TOKEN)}")


def test_every_address_is_one_of_its_own_and_one_after_a_token() -> None:
    for kind in ADDRESSED:
        for address in kind.addresses:
            header = WITH_TOKEN if kind.only_below else headers_of()
            for path, secret in (
                (address, None), (f"/{address}", None), (f"{address}/", None), (f"/logs/{TOKEN}{address}", TOKEN),
                (f"/logs/{TOKEN}{address}/", TOKEN),
            ):  # fmt: skip
                place = place_of(path, "POST", header)
                assert place is not None
                assert (kind in place.kinds, place.secret) == (True, secret)
            other = f"{address}/x" if address.endswith(">") else f"{address}x"
            assert place_of(other, "POST", header) is None
            beside = place_of(f"/logs/{TOKEN}{other}")
            assert beside is not None
            assert (beside.kinds, beside.is_known) == (BODIES, False)
    for path in ("/", "", "/login", "/api/me", "//login", "//"):
        assert place_of(path) is None


@pytest.mark.parametrize("path", [f"//logs/{TOKEN}", f"/logs/{TOKEN}", f"/logs/{TOKEN}/"])
def test_a_tokens_own_address_may_have_more_slashes(path: str) -> None:
    place = place_of(path, "POST")
    assert place is not None
    assert (place.kinds, place.address, place.secret, place.is_known) == (BODIES, "", TOKEN, True)


@pytest.mark.parametrize(
    ("headers", "is_taken"),
    [
        ({"authorization": f"Basic {basic('elastic:' + TOKEN)}"}, True),
        ({"authorization": f"Basic {basic(TOKEN + ':')}"}, True),
        # The password of a proxy before the site, as curl -u sends it.
        ({"authorization": "Basic dTpw", "accept": "*/*"}, False),
        ({"authorization": "ApiKey abc", "accept": "application/json"}, True),
        ({"authorization": "Basic dTpw", "accept": "text/html,application/xhtml+xml"}, False),
        ({"authorization": "Basic dTpw", "accept": "*/*", "cookie": "ppl_session=abc"}, False),
        ({"accept": "application/json"}, False),
    ],
)
def test_the_sites_own_address_is_a_protocols_for_programs_with_a_token(
    headers: dict[str, str], is_taken: bool
) -> None:
    place = place_of("/", "GET", headers_of(**headers))
    assert (place is not None) == is_taken
    assert place is None or (place.kinds, place.secret) == ((ELASTICSEARCH_BULK,), None)


@pytest.mark.parametrize("path", ["/logs/_bulk", "/logs/_doc", "/logs/_create/7"])
def test_logs_may_be_the_name_of_an_index(path: str) -> None:
    place = place_of(path)
    assert place is not None
    assert (place.address, place.secret) == (path, None)


def test_the_sites_own_address_is_a_protocols_only_after_a_token() -> None:
    place = place_of(f"/logs/{TOKEN}/", "GET")
    assert place is not None
    assert (place.kinds, place.address, place.secret) == ((ELASTICSEARCH_BULK,), "/", TOKEN)


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/system/events", ELASTICSEARCH_TYPED),
        ("POST", "/logs/events", ELASTICSEARCH_TYPED),
        ("PUT", "/system/events/_bulk", ELASTICSEARCH_TYPED_BULK),
        ("HEAD", "/logs-app", ELASTICSEARCH_BULK),
        ("PUT", "/%3Clogs-%7Bnow%2Fd%7D-000001%3E", ELASTICSEARCH_BULK),
        ("GET", "/logs", ELASTICSEARCH_BULK),
    ],
)
@pytest.mark.parametrize("authorization", [f"Basic {basic('x:' + TOKEN)}", API_KEY])
def test_addresses_that_could_be_anybodys_are_a_protocols_only_with_a_token(
    method: str, path: str, kind: BodyKind, authorization: str
) -> None:
    place = place_of(path, method, headers_of(authorization=authorization))
    assert place is not None
    assert (place.kinds, place.address, place.secret) == ((kind,), path, None)
    below = place_of(f"/logs/{TOKEN}{path}", method)
    assert below is not None
    assert (below.kinds, below.address, below.secret) == ((kind,), path, TOKEN)
    for other in (
        headers_of(),
        # Of the site's API, and of a proxy with passwords before a browser.
        headers_of(authorization=f"Bearer {TOKEN}"),
        headers_of(authorization=f"Basic {basic('u:p')}"),
        headers_of(authorization=authorization, cookie="ppl_session=abc"),
        headers_of(authorization=authorization, accept="text/html"),
    ):
        place = place_of(path, method, other)
        assert place is None or place.kinds is BODIES


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/traces"), ("POST", "/v1/metrics"), ("POST", "/api/v2/spans"), ("POST", "/api/me"),
        ("POST", "/services/collector/mint"), ("POST", "/gelfx"), ("POST", "/_cat/x"), ("GET", "/_nodes"),
        ("GET", "/upload/x"), ("PUT", "/v1"), ("POST", "/"),
    ],
)  # fmt: skip
def test_addresses_of_others_are_no_index(method: str, path: str) -> None:
    assert place_of(path, method, WITH_TOKEN) is None
    below = place_of(f"/logs/{TOKEN}{path}", method)
    assert below is not None
    assert below.kinds == BODIES


def test_no_address_of_the_site_is_an_index() -> None:
    assert all(place_of(path, "GET", WITH_TOKEN) is None for path in SITE_ADDRESSES)
