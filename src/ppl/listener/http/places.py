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


def place_of(path: str, method: str = "GET", is_program: bool = False) -> UploadPlace | None:
    """What ``path``, without a query, names; ``None`` if nothing is uploaded there.

    Args:
        path: as the request has it. Some clients begin it with more slashes than one.
        method: what is asked at an address that ends with a slash is not what is uploaded there.
        is_program: whether a program with a token asks (:func:`is_program`); the site's own address may then be that of
            a protocol.
    """
    path = _LEADING.sub("/", path)
    if path == "/" and is_program:
        return UploadPlace(kinds_at(path, is_below=True), path, None)
    whole = path.removeprefix(_PREFIX)
    secret, slash, address = whole.partition("/")
    # In Elasticsearch's addresses, "logs" may be the name of an index.
    if whole == path or (not is_secret(secret) and kinds_at(path)):
        kinds = kinds_at(path)
        return UploadPlace(kinds, path, None) if kinds else None
    if slash and not address and method not in _ASKING:
        return UploadPlace(BODIES, "", secret)
    kinds = kinds_at(slash + address, is_below=True) if slash else ()
    if kinds:
        return UploadPlace(kinds, slash + address, secret)
    if slash and is_secret(secret):
        return UploadPlace(BODIES, slash + address, secret, is_known=False)
    return UploadPlace(BODIES, "", whole)


def is_program(header: Callable[[str], str]) -> bool:
    """Whether the headers of a request are those of a program with a token, and not a browser's.

    Behind a proxy with passwords of its own, browsers send one too; what their scripts ask for need not be HTML.
    """
    return bool(header("authorization")) and not header("cookie") and "html" not in header("accept").lower()


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
