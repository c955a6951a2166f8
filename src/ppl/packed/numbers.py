"""Columns of integers as bytes that zstd packs well: as few bytes a number as the column needs, byte by byte.

All lowest bytes stand together, then all second bytes, and so on: high bytes of a column are nearly always alike, and
cost next to nothing. Encoding and decoding are a few calls into C for a column, none for a number.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence

#: Bytes a number → the type code of :mod:`array` for numbers without a sign.
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}


def width_of(numbers: Sequence[int]) -> int:
    """The bytes that each of ``numbers`` needs: 1, 2, 4 or 8.

    Raises:
        OverflowError: a number needs more.
    """
    most = max(numbers, default=0)
    for width in _CODES:
        if most < 1 << 8 * width:
            return width
    raise OverflowError(f"{most} needs more than eight bytes")


def in_planes(numbers: Sequence[int], width: int) -> bytes:
    """``numbers``, from zero on, as planes: the lowest byte of each number, the second byte of each, and so on.

    Raises:
        OverflowError: a number is negative, or needs more than ``width`` bytes.
    """
    values = array(_CODES[width], numbers)
    if sys.byteorder != "little":
        values.byteswap()
    data = values.tobytes()
    return b"".join([data[plane::width] for plane in range(width)])


def from_planes(data: bytes | memoryview, width: int) -> list[int]:
    """The numbers of :func:`in_planes`; ``data`` has a whole number of them."""
    count = len(data) // width
    interleaved = bytearray(len(data))
    for plane in range(width):
        interleaved[plane::width] = data[plane * count : (plane + 1) * count]
    values = array(_CODES[width], bytes(interleaved))
    if sys.byteorder != "little":
        values.byteswap()
    return values.tolist()


def zigzag(number: int) -> int:
    """``number`` without a sign: 0, -1, 1, -2 … become 0, 1, 2, 3 …"""
    return number << 1 if number >= 0 else (-number << 1) - 1


def unzigzag(number: int) -> int:
    """The number of :func:`zigzag`."""
    return number >> 1 if not number & 1 else -((number + 1) >> 1)
