"""Gathers and unpacks what is uploaded, as it arrives and within a limit, without I/O.

:class:`Unpacking` undoes a compression a few bytes at a time, :class:`Body` gathers a whole body with it. Called by the
drain, before a protocol's reader sees the bytes.
"""

from __future__ import annotations

import zlib
from enum import Enum

from ppl.sources.bodies import BodyTooLarge, BodyUnreadable

_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 1000
#: The first bytes of gzip with its one method (RFC 1952); no other body begins with these.
_BEGINS_GZIP = b"\x1f\x8b\x08"


class Zip(Enum):
    """How a body is compressed.

    ``DEFLATE`` is zlib's format, as RFC 9110 has it, or the bare one that some send in its place. Some libraries say
    ``gzip, deflate`` and send one of them: ``EITHER``.
    """

    GZIP = "gzip"
    DEFLATE = "deflate"
    EITHER = "gzip or deflate"


class Unpacking:
    """Undoes a compression: :meth:`feed` what came, then :meth:`read` until nothing comes any more.

    Args:
        zipped: how the bytes are compressed; gzip may come in one member or in several.
    """

    def __init__(self, zipped: Zip) -> None:
        self._zipped = zipped
        self._bits = _GZIP
        self._unzip = zlib.decompressobj(_GZIP)
        self._members = 0
        self._has_begun = False
        self._packed = b""
        # Whether the last read was as long as it could be: the library may hold back more.
        self._was_full = False

    def feed(self, data: bytes) -> None:
        """Add compressed bytes."""
        if data and not self._has_begun:
            self._has_begun = True
            self._begin(data[0])
        self._packed += data

    def read(self, most: int) -> bytes:
        """The next unpacked bytes, at most ``most``; ``b""`` if more must be fed first.

        Raises:
            BodyUnreadable: the bytes are not compressed as they should be.
        """
        while self._packed or self._was_full:
            if self._unzip.eof:
                if not self._packed:
                    break
                self._begin_member()
            try:
                piece = self._unzip.decompress(self._packed, most)
            except zlib.error as error:
                raise BodyUnreadable(f"The body is not {self._zipped.value}.") from error
            self._packed = self._unzip.unconsumed_tail or self._unzip.unused_data
            self._was_full = len(piece) == most
            if piece:
                return piece
        self._was_full = False
        return b""

    def finish(self) -> None:
        """Check that the compressed data has come to its end; an empty body has.

        Raises:
            BodyUnreadable: it has not.
        """
        if self._has_begun and not self._unzip.eof:
            raise BodyUnreadable("The compressed body is cut off.")

    def _begin(self, first: int) -> None:
        """The first byte of the body tells what it is: in bare deflate it would be an impossible one."""
        if self._zipped is Zip.DEFLATE or (self._zipped is Zip.EITHER and first != 0x1F):
            self._bits = zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS
            self._unzip = zlib.decompressobj(self._bits)

    def _begin_member(self) -> None:
        if self._bits != _GZIP:
            raise BodyUnreadable("The body goes on after the end of its compressed data.")
        self._unzip = zlib.decompressobj(_GZIP)
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise BodyUnreadable(f"The gzipped body has more than {_MOST_MEMBERS} members.")


class Body:
    """A body while it arrives.

    Args:
        most: bytes that it may hold, also after unzipping.
        zipped: how it is compressed; ``None``: nothing says so, but if it begins as gzip does, it is gzip.
    """

    def __init__(self, most: int, zipped: Zip | None = None) -> None:
        self._most = most
        self._held = bytearray()
        self._unpacking = Unpacking(zipped) if zipped else None
        self._may_be_gzip = zipped is None
        # Bytes as they came: gzip can consume any number of them and yield none.
        self._came = 0

    def __len__(self) -> int:
        return len(self._held)

    def add(self, data: bytes) -> None:
        """Add ``data``.

        Raises:
            BodyTooLarge: the body exceeds the limit, beyond which at most one byte was unzipped.
            BodyUnreadable: the body is not compressed as it claims.
        """
        self._came += len(data)
        if self._may_be_gzip:
            data = self._begin(data)
        if self._unpacking is None or self._came > self._most:
            self._keep(data)
            return
        self._unpacking.feed(data)
        while piece := self._unpacking.read(self._most - len(self._held) + 1):
            self._keep(piece)

    def _begin(self, data: bytes) -> bytes:
        """Look at the first bytes; gives those that are to be added."""
        self._may_be_gzip = len(self._held) + len(data) < len(_BEGINS_GZIP)
        start = bytes(self._held) + data
        if start.startswith(_BEGINS_GZIP):
            self._held.clear()
            self._unpacking = Unpacking(Zip.GZIP)
            return start
        return data

    def _keep(self, data: bytes) -> None:
        if len(self._held) + len(data) > self._most or self._came > self._most:
            raise BodyTooLarge(f"A body may hold at most {self._most:,} bytes, also after unzipping.")
        self._held += data

    def finish(self) -> bytes:
        """The whole body.

        Raises:
            BodyUnreadable: the compressed data ends too early.
        """
        if self._unpacking is not None:
            self._unpacking.finish()
        held, self._held = bytes(self._held), bytearray()
        return held
