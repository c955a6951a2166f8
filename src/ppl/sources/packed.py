"""Gathers and unpacks what is uploaded, as it arrives and within a limit, without I/O.

:class:`Unpacking` undoes a compression a few bytes at a time, :class:`Body` gathers a whole body with it. Called by the
drain, before a protocol's reader sees the bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from ppl.sources.bodies import BodyTooLarge, BodyUnreadable
from ppl.zstandard import zstd

_GZIP = 16 + zlib.MAX_WBITS
_MOST_MEMBERS = 1000
#: The first bytes of gzip with its one method (RFC 1952) and of zstd (RFC 8878); no other body begins with these.
_BEGINS_GZIP = b"\x1f\x8b\x08"
_BEGINS_ZSTD = b"\x28\xb5\x2f\xfd"
#: Bytes that are unpacked at once: a fraction of a millisecond of work.
_STEP_BYTES = 256 * 1024
#: The window of zstd that HTTP allows (RFC 9659), as a power of two: 8 MiB of memory.
_WINDOW_LOG = 23


class Zip(Enum):
    """How a body is compressed.

    ``DEFLATE`` is zlib's format, as RFC 9110 has it, or the bare one that some send in its place. Some libraries name
    several and send one of them: ``EITHER``.
    """

    GZIP = "gzip"
    DEFLATE = "deflate"
    ZSTD = "zstd"
    EITHER = "gzip, deflate or zstd"


class _Member(Protocol):
    """What undoes one compression, up to its end."""

    @property
    def eof(self) -> bool:
        """Whether the end has come."""

    @property
    def unused_data(self) -> bytes:
        """What followed the end."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """The next bytes."""


def _zstd_member() -> _Member:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG})


class Unpacking:
    """Undoes a compression: :meth:`feed` what came, then :meth:`read` until nothing comes any more.

    Args:
        zipped: how the bytes are compressed; gzip and zstd may come in one member (frame) or in several.
    """

    def __init__(self, zipped: Zip) -> None:
        self._zipped = zipped
        # Makes what undoes a further member; ``None``: there is only one.
        self._next: Callable[[], _Member] | None = None
        self._member: _Member | None = None
        self._members = 0
        self._packed = b""
        # Whether the last read was as long as it could be: the library may hold back more.
        self._was_full = False

    def feed(self, data: bytes) -> None:
        """Add compressed bytes."""
        if data and self._member is None:
            self._begin(data[0])
        self._packed += data

    def read(self, most: int) -> bytes:
        """The next unpacked bytes, at most ``most``; ``b""`` if more must be fed first.

        Raises:
            BodyUnreadable: the bytes are not compressed as they should be.
        """
        while self._packed or self._was_full:
            member = self._member
            assert member is not None, "the first byte made it"
            if member.eof:
                if not self._packed:
                    break
                member = self._begin_member()
            try:
                piece = member.decompress(self._packed, most)
            except (zlib.error, zstd.ZstdError) as error:
                raise BodyUnreadable(f"The body is not {self._zipped.value}.") from error
            # zstd's keeps what it has not used yet.
            self._packed = getattr(member, "unconsumed_tail", b"") or member.unused_data
            self._was_full = len(piece) == most
            if piece:
                return piece
        self._was_full = False
        return b""

    @property
    def has_more(self) -> bool:
        """Whether :meth:`read` may give more bytes of what was fed."""
        return bool(self._packed) or self._was_full

    def finish(self) -> None:
        """Check that the compressed data has come to its end; an empty body has.

        Raises:
            BodyUnreadable: it has not.
        """
        if self._member is not None and not self._member.eof:
            raise BodyUnreadable("The compressed body is cut off.")

    def _begin(self, first: int) -> None:
        """The first byte of the body tells what it is: in bare deflate it would be an impossible one."""
        either = self._zipped is Zip.EITHER
        if self._zipped is Zip.GZIP or (either and first == _BEGINS_GZIP[0]):
            self._next = _gzip_member
        elif self._zipped is Zip.ZSTD or (either and first == _BEGINS_ZSTD[0]):
            self._next = _zstd_member
        bits = zlib.MAX_WBITS if first & 0x0F == zlib.DEFLATED else -zlib.MAX_WBITS
        self._member = self._next() if self._next is not None else zlib.decompressobj(bits)

    def _begin_member(self) -> _Member:
        if self._next is None:
            raise BodyUnreadable("The body goes on after the end of its compressed data.")
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise BodyUnreadable(f"The compressed body has more than {_MOST_MEMBERS} members.")
        self._member = self._next()
        return self._member


def _gzip_member() -> _Member:
    return zlib.decompressobj(_GZIP)


class Body:
    """A body while it arrives: :meth:`add` what came, and :meth:`step` while it :attr:`has_more`.

    Args:
        most: bytes that it may hold, also after unzipping.
        zipped: how it is compressed; ``None``: nothing says so, but what begins as gzip or zstd does is that.
    """

    def __init__(self, most: int, zipped: Zip | None = None) -> None:
        self._most = most
        self._held = bytearray()
        self._unpacking = Unpacking(zipped) if zipped else None
        self._may_be_packed = zipped is None
        # Bytes as they came: gzip can consume any number of them and yield none.
        self._came = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def has_more(self) -> bool:
        """Whether some of what came is still to be unpacked."""
        return self._unpacking is not None and self._unpacking.has_more

    def add(self, data: bytes) -> None:
        """Add ``data``; what is compressed waits for :meth:`step`.

        Raises:
            BodyTooLarge: the body exceeds the limit.
        """
        self._came += len(data)
        if self._may_be_packed:
            data = self._begin(data)
        if self._unpacking is None or self._came > self._most:
            self._keep(data)
            return
        self._unpacking.feed(data)

    def step(self) -> None:
        """Unpack some of what came, in less than a millisecond of work.

        Raises:
            BodyTooLarge: the body exceeds the limit, beyond which at most one byte was unzipped.
            BodyUnreadable: the body is not compressed as it claims.
        """
        if self._unpacking is not None:
            self._keep(self._unpacking.read(min(_STEP_BYTES, self._most - len(self._held) + 1)))

    def _begin(self, data: bytes) -> bytes:
        """Look at the first bytes; gives those that are to be added."""
        self._may_be_packed = len(self._held) + len(data) < len(_BEGINS_ZSTD)
        start = bytes(self._held[: len(_BEGINS_ZSTD)]) + data
        for begins, zipped in ((_BEGINS_GZIP, Zip.GZIP), (_BEGINS_ZSTD, Zip.ZSTD)):
            if start.startswith(begins):
                self._may_be_packed = False
                self._held.clear()
                self._unpacking = Unpacking(zipped)
                return start
        return data

    def _keep(self, data: bytes) -> None:
        if len(self._held) + len(data) > self._most or self._came > self._most:
            raise BodyTooLarge(f"A body may hold at most {self._most:,} bytes, also after unzipping.")
        self._held += data

    def finish(self) -> bytes:
        """The whole body, when it has no more to unpack.

        Raises:
            BodyUnreadable: the compressed data ends too early.
        """
        if self._unpacking is not None:
            self._unpacking.finish()
        held, self._held = bytes(self._held), bytearray()
        return held
