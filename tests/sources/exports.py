"""Writes systemd's Journal Export Format, as ``systemd-journal-upload`` does."""

from __future__ import annotations

BOOT = "7f3c1d2e4b5a69788796a5b4c3d2e1f0"
SERIES = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"


def field(name: str, value: bytes) -> bytes:
    """A field, in binary form if its value has odd bytes."""
    if all(byte >= 32 or byte == 9 for byte in value) and _is_utf8(value):
        return name.encode() + b"=" + value + b"\n"
    return name.encode() + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def cursor(number: int, series: str = SERIES) -> str:
    """The cursor of an entry."""
    return f"s={series};i={number:x};b={BOOT};m=1f2e3d;t=6482a7{number:x};x=9d8c7b6a5f4e3d2c"


def entry(number: int, message: str | bytes | None, at: int = 0, **fields: str | bytes) -> bytes:
    """An entry with its blank line; ``message`` ``None``: without one. ``at`` (µs) 0: without a time."""
    given: list[tuple[str, str | bytes]] = [("__CURSOR", cursor(number))]
    if at:
        given.append(("__REALTIME_TIMESTAMP", str(at)))
    given += [("__MONOTONIC_TIMESTAMP", "2043453"), ("_BOOT_ID", BOOT), *fields.items()]
    if message is not None:
        given.append(("MESSAGE", message))
    return b"".join(field(name, each if isinstance(each, bytes) else each.encode()) for name, each in given) + b"\n"
