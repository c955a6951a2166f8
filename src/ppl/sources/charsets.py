"""Character sets that a body may declare, and their translation to UTF-8 in pieces.

A body in a character set that is not listed is refused: read as UTF-8, its text would be lost.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from ppl.errors import PplError

#: Bytes of a piece: decoding one takes less than half a millisecond in any of these character sets.
PIECE = 32 * 1024

_UTF_8 = "utf-8"
_UTF_16 = "utf-16"
_WINDOWS_1252 = "cp1252"

#: Labels of the WHATWG's Encoding Standard and of IANA → Python's codec, which knows no states beyond one character.
_CODECS = {
    **dict.fromkeys(("utf-8", "utf8", "unicode-1-1-utf-8", "us-ascii", "ascii", "ansi_x3.4-1968"), _UTF_8),
    # What calls itself ISO 8859-1 is often Windows-1252, which has letters where the other has control characters.
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1", "l1"), _WINDOWS_1252),
    **{f"iso-8859-{part}": f"iso8859-{part}" for part in range(2, 17) if part != 12},
    **{f"iso8859-{part}": f"iso8859-{part}" for part in range(2, 17) if part != 12},
    **{f"iso_8859-{part}": f"iso8859-{part}" for part in range(2, 17) if part != 12},
    "latin2": "iso8859-2",
    "latin5": "iso8859-9",
    "latin9": "iso8859-15",
    "latin-9": "iso8859-15",
    **{f"{name}{page}": f"cp{page}" for page in range(1250, 1259) for name in ("windows-", "cp", "x-cp")},
    "windows-874": "cp874",
    "ibm437": "cp437",
    "cp437": "cp437",
    "ibm850": "cp850",
    "cp850": "cp850",
    "ibm866": "cp866",
    "cp866": "cp866",
    "macintosh": "mac_roman",
    "koi8-r": "koi8_r",
    "koi8-u": "koi8_u",
    **dict.fromkeys(("utf-16", "unicode", "ucs-2", "iso-10646-ucs-2"), _UTF_16),
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji", "windows-31j", "cp932"), "cp932"),
    **dict.fromkeys(("euc-jp", "x-euc-jp"), "euc_jp"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "windows-949", "cp949"), "cp949"),
    **dict.fromkeys(("gbk", "gb2312", "gb_2312-80", "x-gbk", "cp936", "windows-936", "gb18030"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "x-x-big5", "cp950"), "big5hkscs"),
}  # fmt: skip

_CHARSET = re.compile(r""";\s*charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;,]*))""", re.IGNORECASE)
# The five bytes that Windows-1252 leaves open are control characters, as in the Encoding Standard.
_TABLE_1252 = "".join(
    chr(byte) if byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([byte]).decode(_WINDOWS_1252) for byte in range(256)
)


class UnknownCharset(PplError):
    """The body is declared in a character set that is not supported."""

    code = "unknown_charset"


def codec_of(content_type: str) -> str:
    """The codec of the character set that a ``Content-Type`` declares, for :func:`in_utf8`; ``""`` for UTF-8.

    Raises:
        UnknownCharset: the character set is not supported.
    """
    declared = _CHARSET.search(content_type)
    label = next(filter(None, declared.groups()), "").strip().lower() if declared else ""
    codec = _CODECS.get(label) if label else _UTF_8
    if codec is None:
        raise UnknownCharset(
            f"The charset {label[:40]!r} is not supported: send UTF-8, or one of UTF-16, ISO 8859, Windows-125x, "
            "Shift_JIS, EUC-JP, EUC-KR, GBK, GB18030, Big5, KOI8-R."
        )
    return "" if codec == _UTF_8 else codec


def in_utf8(body: bytes, codec: str) -> Iterator[bytes]:
    """``body`` translated from ``codec``, in pieces; what cannot be decoded becomes U+FFFD, a byte order mark goes."""
    if codec == _UTF_16:
        codec = "utf-16-be" if body.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
    decoder = codecs.getincrementaldecoder(codec)("replace")
    for start in range(0, len(body), PIECE):
        piece = body[start : start + PIECE]
        if codec == _WINDOWS_1252:
            text = codecs.charmap_decode(piece, "strict", _TABLE_1252)[0]
        else:
            text = decoder.decode(piece, final=start + PIECE >= len(body))
        yield (text if start else text.removeprefix("\ufeff")).encode("utf-8", "replace")
