"""What an upload's protocol is, without I/O: where and how it is sent, how it is read, and how it is answered.

Each protocol is a :class:`BodyKind` in a module of its own, listed in :mod:`ppl.sources.known`. The drain asks the kind
for everything that protocols do differently, and knows none by name.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo
from enum import Enum
from typing import Protocol

import attrs

from ppl.model import Lines

#: What a line that is sent again is recognised by: a series, and the line's number in it, below 2⁶⁴. Numbers that
#: follow one another cost no memory. The series ``""`` is of digests, which have no order.
LineKey = tuple[str, int]


@attrs.frozen
class Piece:
    """Some lines of a body.

    Attributes:
        lines: the parsed lines.
        size: about how many bytes they had in the body, or will have in the database if that is more.
        refused: how many records of the body could not be taken, beside these lines.
        items: what the answer says of each record, where a protocol answers for each; in the protocol's own form.
        keys: by which a line that is sent again is recognised, one for each line; empty: the protocol has none.
    """

    lines: Lines
    size: int
    refused: int = 0
    items: bytes = b""
    keys: Sequence[LineKey | None] = ()


class Read(Protocol):
    """Reads a whole body, piece by piece, in order."""

    def __call__(self, body: bytes, received_at: int, zone: tzinfo, max_line_bytes: int) -> Iterator[Piece]:
        """The lines of ``body``.

        Args:
            body: as uploaded, unzipped.
            received_at: µs of receipt.
            zone: time zone of timestamps that name none.
            max_line_bytes: longer lines are cut and marked.

        Raises:
            BodyUnreadable: the body is not what its protocol sends; nothing was given before.
        """


class ReadAlong(Protocol):
    """Reads a body while it comes: its lines are stored before its end, which may never come."""

    def feed(self, data: bytes, received_at: int) -> Iterator[Piece]:
        """The lines that ``data``, the next bytes of the body, complete; received at ``received_at`` (µs)."""

    def finish(self, received_at: int) -> Iterator[Piece]:
        """What is left when the body has come to its end.

        Raises:
            BodyUnreadable: the body is not what its protocol sends, and no line of it was given.
        """


class TokenIn(Enum):
    """Where a request may have its token: in ``Authorization``, after the name of one of these schemes.

    Of ``BASIC``, the password is the token, or the user name if there is no password. ``API_KEY`` is Elasticsearch's.
    """

    BEARER = "bearer"
    BASIC = "basic"
    SPLUNK = "splunk"
    API_KEY = "apikey"


@attrs.frozen
class UploadHead:
    """The head of a request, as its protocol sees it.

    Attributes:
        method: such as ``POST``.
        address: the path, without the token that it may begin with: ``""`` at the token's own address.
        query: the part of the address after ``?``.
        header: gives a header by its name, ``""`` if it is missing.
        id: what its protocol recognises a body by that is sent again, ``""`` if it has nothing of the kind.
        received_at: µs of now.
    """

    method: str
    address: str = ""
    query: str = ""
    header: Callable[[str], str] = attrs.field(default=lambda name: "", repr=False)
    id: str = ""
    received_at: int = 0


@attrs.frozen
class KindReply:
    """An answer of a protocol.

    Attributes:
        status: HTTP status.
        body: sent as it is, except that with status 204 there is none.
        headers: in addition to those of every answer, or instead of them; ``Content-Type`` is JSON unless named.
        hangs_up: whether the connection is closed instead, without an answer: some clients send again only then.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    hangs_up: bool = False


@attrs.frozen
class Taken:
    """What became of an upload that was taken.

    Attributes:
        count: lines that are stored.
        refused: records that could not be taken.
        items: those of its pieces, without the empty ones.
        number: how many uploads of the same channel were stored before; ``None``: it has no channel.
    """

    count: int
    refused: int = 0
    items: tuple[bytes, ...] = ()
    number: int | None = None


@attrs.frozen
class NotTaken:
    """Why an upload is refused.

    Attributes:
        status: HTTP status, as the drain's own addresses give it.
        code: stable, for programs.
        message: one sentence for people.
        headers: headers that the status calls for, such as ``Allow``.
    """

    status: int
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def as_sent(body: bytes, most: int) -> bytes:
    """``body`` as it is, for protocols that compress nothing by themselves."""
    return body


def count_reply(head: UploadHead, taken: Taken) -> KindReply:
    """The answer when lines are stored: ``{"lines": n}``."""
    return KindReply(200, json.dumps({"lines": taken.count}).encode("ascii"))


def error_reply(head: UploadHead, why: NotTaken) -> KindReply:
    """A refusal in the form that programs get from all of Ppl: ``{"error": {"code", "message"}}``."""
    body = json.dumps({"error": {"code": why.code, "message": why.message}}, ensure_ascii=False)
    return KindReply(why.status, body.encode("utf-8"), why.headers)


@attrs.frozen
class Probe:
    """A request by which clients see whether there is a receiver: nothing is stored.

    Attributes:
        method: such as ``OPTIONS``.
        addresses: where it is asked.
        reply: what it gets.
        needs_token: whether it must have a token, as an upload.
        only_below: whether it is asked only after a token's address, or with a header that is surely for uploads, as
            the site may have something else there.
    """

    method: str
    addresses: tuple[str, ...]
    reply: KindReply
    needs_token: bool = False
    only_below: bool = False


@attrs.frozen
class BodyKind:
    """A kind of uploaded body.

    Attributes:
        name: for people.
        content_types: the content types of this kind, in lower case; ``""``: an upload names none.
        read: reads the lines of a body.
        along: makes what reads a body while it comes, from the time zone of timestamps that name none and the bytes at
            which lines are cut; such a body may be of any length. ``None``: bodies are read when they have come.
        read_at: makes what reads a body, where the head of the request says something of the lines; ``None``: ``read``.
        addresses: the paths of this kind, each also after a token's address; empty: it comes to the token's address.
            ``<name>`` stands for any part between slashes, ``<index>`` and ``<type>`` for one that no address of
            another kind has there.
        only_below: whether it comes only after a token's address, or with a header that is surely for uploads.
        tokens: the ways in which a request to one of the paths may have its token, beside the path itself.
        key_header: a header that may hold the token, too; ``""``: there is none.
        mark: a header that no other kind has: a body with it is of this kind, whatever its content type; ``""``: none.
        methods: the methods that upload.
        probes: requests that are answered without a token.
        accepted: makes the answer when the lines are stored.
        refused: makes the answer when the upload is refused.
        id_header: the header with the id of a body that may be sent twice, so that it is stored once; ``""``: none.
        id_in: finds that id in the body of a request without the header.
        channel: gives the channel of a request, in which its protocol numbers uploads; ``""``: it has none.
        ask: makes the answer to a question about a channel, from its body and the number of uploads of the channel that
            are stored; nothing of the body is stored. ``None``: bodies are uploads.
        count_header: the header with the number of messages of a body; ``""``: there is none.
        has_charset: whether the content type may declare a character set; if not, the body is read as it is.
        unpack: undoes the compression that a protocol has by itself, within a number of bytes; raises ``BodyTooLarge``
            and ``BodyUnreadable``.
        prepare: imports what only this kind needs, in a thread before the first body is read.
        encodings: content encodings that only name that compression.
        patience: seconds for which an upload may wait for its turn when Ppl is busy, as its clients wait for answers.
        retry_seconds: the most that ``Retry-After`` may say, if clients give up at once when it is longer.
        leaves_early: whether clients close the connection before the answer; a body that has come is then still taken.
        keys_of: the name of the kind that has the same keys of lines; ``""``: its own name.
        keys_kept: seconds after which what lines and bodies are recognised by is forgotten if Ppl is restarted: for so
            long clients may send again what they do not know to be stored.
    """

    name: str
    content_types: tuple[str, ...]
    read: Read
    along: Callable[[tzinfo, int], ReadAlong] | None = None
    read_at: Callable[[UploadHead], Read] | None = None
    addresses: tuple[str, ...] = ()
    only_below: bool = False
    tokens: tuple[TokenIn, ...] = ()
    key_header: str = ""
    mark: str = ""
    methods: tuple[str, ...] = ("POST",)
    probes: tuple[Probe, ...] = ()
    accepted: Callable[[UploadHead, Taken], KindReply] = count_reply
    refused: Callable[[UploadHead, NotTaken], KindReply] = error_reply
    id_header: str = ""
    id_in: Callable[[bytes], str] | None = None
    channel: Callable[[UploadHead], str] | None = None
    ask: Callable[[UploadHead, bytes, int], KindReply] | None = None
    count_header: str = ""
    has_charset: bool = True
    unpack: Callable[[bytes, int], bytes] = as_sent
    prepare: Callable[[], None] | None = None
    encodings: tuple[str, ...] = ()
    patience: float = 0.0
    retry_seconds: int | None = None
    leaves_early: bool = False
    keys_of: str = ""
    keys_kept: int = 1800
