"""Where an upload comes to: the token's own address or that of a protocol, and where the request has its token."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Collection

import attrs

from ppl.access.secrets import is_secret
from ppl.http.uploads import PREFIX
from ppl.sources.kinds import BodyKind, TokenIn
from ppl.sources.known import BODIES, kinds_at

_PREFIX = PREFIX.decode("ascii")
_LEADING = re.compile("\\A//+")
_ASKING = ("GET", "HEAD")

#: Addresses that are the site's or another program's whatever the headers say: of one part, as the name of an index is.
SITE_ADDRESSES = frozenset(
    f"/{name}"
    for name in (
        "dashboard", "favicon.ico", "healthz", "login", "logout", "marks", "metrics", "register", "robots.txt", "saved",
        "senders", "settings", "static", "ws",
    )
)  # fmt: skip


def _no_header(name: str) -> str:
    return ""


@attrs.frozen
class UploadPlace:
    """What a path names.

    Attributes:
        kinds: the kinds of body that come there.
        address: the path without the token that it may begin with; ``""`` for the token's own address.
        secret: the token in the path; ``None``: the request has it in a header.
        is_known: whether anything comes to the address that follows the token.
    """

    kinds: tuple[BodyKind, ...]
    address: str
    secret: str | None = attrs.field(repr=False)
    is_known: bool = True


def place_of(path: str, method: str = "POST", header: Callable[[str], str] = _no_header) -> UploadPlace | None:
    """What ``path``, without a query, names; ``None`` if nothing is uploaded there.

    Args:
        path: as the request has it. Some clients begin it with more slashes than one.
        method: what is asked at an address that ends with a slash is not what is uploaded there.
        header: gives a header of the request by its name. By them, the site's own address may be a protocol's
            (:func:`is_program`), and so may any that is not the site's (:func:`has_drain_token`).
    """
    path = _LEADING.sub("/", path)
    if path == "/":
        kinds = kinds_at(path, method, is_below=True) if is_program(header) else ()
        return UploadPlace(kinds, path, None) if kinds else None
    whole = path.removeprefix(_PREFIX)
    secret, slash, address = whole.partition("/")
    if whole == path or not is_secret(secret):
        kinds = kinds_at(path, method, is_below=path not in SITE_ADDRESSES and has_drain_token(header))
        # In Elasticsearch's addresses, "logs" may be the name of an index.
        if whole == path or kinds:
            return UploadPlace(kinds, path, None) if kinds else None
    if slash and not address and method not in _ASKING:
        return UploadPlace(BODIES, "", secret)
    kinds = kinds_at(slash + address, method, is_below=True) if slash else ()
    if kinds:
        return UploadPlace(kinds, slash + address, secret)
    if slash and is_secret(secret):
        return UploadPlace(BODIES, slash + address, secret, is_known=False)
    return UploadPlace(BODIES, "", whole)


def is_program(header: Callable[[str], str]) -> bool:
    """Whether the headers of a request are those of a program with a token, and not a browser's.

    Behind a proxy with passwords of its own, browsers and curl send one too, which has not the form of a token; what
    the scripts of browsers ask for need not be HTML.
    """
    authorization = header("authorization")
    if not authorization or header("cookie") or "html" in header("accept").lower():
        return False
    return authorization.strip().partition(" ")[0].lower() != TokenIn.BASIC.value or has_drain_token(header)


def has_drain_token(header: Callable[[str], str]) -> bool:
    """Whether the headers have what looks like a drain token, as only programs that upload have it.

    What follows ``Bearer`` may be a token for the API.
    """
    if header("cookie") or "html" in header("accept").lower():
        return False
    return is_secret(header_secret(header("authorization"), (TokenIn.BASIC, TokenIn.API_KEY)) or "")


def header_secret(authorization: str, ways: Collection[TokenIn]) -> str | None:
    """The token in a header ``Authorization``, in one of ``ways``; ``None`` if there is none."""
    scheme, _, value = authorization.strip().partition(" ")
    value = value.strip()
    way = next((way for way in ways if way.value == scheme.lower()), None)
    if way is None or not value:
        return None
    if way is TokenIn.BASIC:
        user, _, password = _decoded(value).partition(":")
        return password or user or None
    if way is TokenIn.BEARER and not is_secret(value):
        # Grafana's form has a user before the key.
        return value.rpartition(":")[2] or None
    if way is TokenIn.API_KEY and not is_secret(value):
        # Usually an id and a key together.
        return _decoded(value).rpartition(":")[2] or None
    return value


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
