"""What the head of an upload says beside its place and kind: how the body is packed and written, and its id."""

from __future__ import annotations

import re
from hashlib import blake2b

from ppl.http.uploads import UploadRequest
from ppl.listener.http.refusals import UploadUnsupportedType
from ppl.sources.charsets import UnknownCharset, codec_of
from ppl.sources.kinds import BodyKind
from ppl.sources.packed import Zip

_LONGEST_ID = 200

_ENCODINGS = frozenset(("gzip", "deflate", "zstd"))

_VERCEL_HEADER = "x-vercel-verify"
_VERCEL_CODE = re.compile(rb"(?:\A|&)x-vercel-verify=([A-Za-z0-9_.-]{1,200})(?=&|\Z)")


def short_body_id(given: str) -> str:
    """``given``, or its digest, which is as good and short."""
    if len(given) <= _LONGEST_ID:
        return given
    return blake2b(given.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def charset_named(request: UploadRequest) -> str:
    """The codec of the character set that the content type declares; ``""`` for UTF-8.

    Raises:
        UploadUnsupportedType: it is unknown.
    """
    try:
        return codec_of(request.header("content-type"))
    except UnknownCharset as error:
        raise UploadUnsupportedType(str(error)) from error


def zip_named(request: UploadRequest, kind: BodyKind) -> Zip | None:
    """The compression of a body that is not part of its protocol; ``None`` if there is none.

    Raises:
        UploadUnsupportedType: it is unknown.
    """
    named = {each.strip().lower().removeprefix("x-") for each in request.header("content-encoding").split(",")}
    named -= {"", "identity", *kind.encodings}
    if named - _ENCODINGS:
        known = ", ".join(sorted(_ENCODINGS | set(kind.encodings)))
        # RFC 9110, section 15.5.16: so the client learns what it may send.
        headers = (("Accept-Encoding", known),)
        raise UploadUnsupportedType(f"The supported content encodings are {known}.", headers)
    if len(named) > 1:
        return Zip.EITHER
    return Zip(named.pop()) if named else None


def vercel_proof(request: UploadRequest) -> tuple[tuple[str, str], ...]:
    """The header by which Vercel knows that a drain's owner has set it up.

    Vercel shows its owner a code, which the answers must carry; it is in the drain's URL, as ``?x-vercel-verify=…``.
    """
    _, _, query = request.uri.partition(b"?")
    code = _VERCEL_CODE.search(query)
    return ((_VERCEL_HEADER, code[1].decode("ascii")),) if code else ()
