"""Where an upload comes to: the token's own address or that of a protocol, and where the request has its token."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection

import attrs

from ppl.access.secrets import is_secret
from ppl.http.uploads import PREFIX
from ppl.sources.kinds import BodyKind, TokenIn
from ppl.sources.known import BODIES, kinds_at

_PREFIX = PREFIX.decode("ascii")


@attrs.frozen
class UploadPlace:
    """What a path names.

    Attributes:
        kinds: the kinds of body that come there.
        address: the path without the token that it may begin with; ``""`` for the token's own address.
        secret: the token in the path; ``None``: the request has it in a header.
    """

    kinds: tuple[BodyKind, ...]
    address: str
    secret: str | None = attrs.field(repr=False)


def place_of(path: str) -> UploadPlace | None:
    """What ``path``, without a query, names; ``None`` if nothing is uploaded there."""
    whole = path.removeprefix(_PREFIX)
    secret, slash, address = whole.partition("/")
    # In Elasticsearch's addresses, "logs" may be the name of an index.
    if whole == path or (not is_secret(secret) and kinds_at(path)):
        kinds = kinds_at(path)
        return UploadPlace(kinds, path, None) if kinds else None
    kinds = kinds_at(slash + address, is_below=True) if slash else ()
    return UploadPlace(kinds, slash + address, secret) if kinds else UploadPlace(BODIES, "", whole)


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
    if way is TokenIn.API_KEY and not is_secret(value):
        # Usually an id and a key together.
        return _decoded(value).rpartition(":")[2] or None
    return value


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""
