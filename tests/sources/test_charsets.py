"""Bodies in other character sets than UTF-8: they are translated, or refused before anything is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.charsets import _CODECS, PIECE, UnknownCharset, codec_of, in_utf8


def read(body: bytes, label: str) -> str:
    codec = codec_of(f"text/plain; charset={label}")
    return b"".join(in_utf8(body, codec)).decode() if codec else body.decode()


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("iso-8859-1", "Grüße aus Köln"), ("Latin1", "Grüße"), ('"ISO-8859-15"', "5 € für Ü"), ("iso-8859-2", "Łódź"),
        ("windows-1252", "“Köln” – 5 €"), ("windows-1251", "Привет"), ("koi8-r", "Привет"), ("iso-8859-5", "Привет"),
        ("utf-16le", "Köln 🎉"), ("utf-16be", "Köln 🎉"), ("Shift_JIS", "ログ①"), ("euc-jp", "ログ"), ("gbk", "日志"),
        ("gb18030", "日志🎉"), ("big5", "日誌"), ("euc-kr", "로그"), ("UTF-8", "日志"), ("us-ascii", "log"),
    ],
)  # fmt: skip
def test_a_declared_character_set_is_honoured(label: str, text: str) -> None:
    codec = codec_of(f"text/plain; charset={label}") or "utf-8"
    assert read(text.encode(codec), label) == text


@pytest.mark.parametrize("order", ["le", "be"])
def test_a_byte_order_mark_tells_utf_16_and_is_no_text(order: str) -> None:
    assert read("\ufeffhé".encode(f"utf-16-{order}"), "utf-16") == "hé"
    assert read("hé".encode("utf-16-le"), "utf-16") == "hé"


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "text/plain; charset=", 'text/plain;charset="utf-8"', "text/plain; x=latin1"]
)
def test_nothing_else_is_utf_8(content_type: str) -> None:
    assert codec_of(content_type) == ""


@pytest.mark.parametrize("label", ["utf-7", "ebcdic", "idna", "zlib", "rot13", "iso-2022-jp", "x" * 500])
def test_an_unknown_character_set_is_refused(label: str) -> None:
    with pytest.raises(UnknownCharset, match=f"'{label[:40]}' is not supported: send UTF-8"):
        codec_of(f"text/plain; charset={label}")


def test_each_byte_of_latin_1_is_a_character() -> None:
    text = read(bytes(range(256)), "iso-8859-1")
    assert (len(text), "\ufffd" in text) == (256, False)


@given(st.sampled_from(sorted(set(_CODECS.values()) - {"utf-8"})), st.binary(max_size=200), st.integers(0, 5))
def test_any_bytes_are_translated_wherever_pieces_end(codec: str, body: bytes, offset: int) -> None:
    filled = b" " * (PIECE - offset) + body
    whole = b"".join(in_utf8(filled, codec)).decode()
    assert codec.startswith("utf-16") or whole.endswith(b"".join(in_utf8(body, codec)).decode().lstrip("\ufeff"))
