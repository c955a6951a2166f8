"""Archives in an S3 bucket, through boto3: region and credentials come from its usual environment (``AWS_…``).

Files are made on this machine's disk, uploaded in parts where they are large, and read back before they count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from ppl.archive.interface import ArchiveUnavailable

_CHUNK = 1 << 20
_CONNECT_SECONDS, _READ_SECONDS, _TRIES = 10, 60, 3


class BucketPlace:
    """A :class:`~ppl.archive.interface.Place` in ``bucket`` under ``prefix``.

    Args:
        bucket: name of the bucket, which is never created.
        prefix: the prefix of all keys, without slashes around it; may be empty.
        endpoint: URL of an S3 server that is not Amazon's, ``None`` for Amazon's.
        scratch: directory for files that are being made.
        read_seconds: seconds that the server may be silent.
    """

    def __init__(
        self, bucket: str, prefix: str, endpoint: str | None, scratch: Path, *, read_seconds: float = _READ_SECONDS
    ) -> None:
        self.name = f"s3://{bucket}/{prefix}".rstrip("/") + (f" at {endpoint}" if endpoint else "")
        self._bucket, self._prefix, self._endpoint, self._scratch = bucket, prefix, endpoint, scratch
        self._read_seconds = read_seconds
        self._known_client: Any = None

    @property
    def _client(self) -> Any:
        # Made late: looking for credentials may ask the machine's metadata service.
        if self._known_client is None:
            config = Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=self._read_seconds,
                retries={"total_max_attempts": _TRIES, "mode": "standard"},
            )
            self._known_client = boto3.session.Session().client("s3", endpoint_url=self._endpoint, config=config)
        return self._known_client

    def check(self) -> None:
        """Raise ``ArchiveUnavailable`` unless the bucket answers."""
        with self._said():
            self._client.head_bucket(Bucket=self._bucket)

    @contextmanager
    def draft(self, key: str) -> Iterator[_BucketDraft]:
        """A nameless file on this machine, which leaves nothing behind, whatever happens."""
        with self._said(), TemporaryFile(dir=self._scratch) as file:
            yield _BucketDraft(cast(BinaryIO, file), key, self)

    def open(self, key: str) -> tuple[BinaryIO, int] | None:
        """The object of ``key``, to be read from its beginning, and its length; ``None`` if there is none."""
        with self._said():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self.full(key))
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                    return None
                raise
            return answer["Body"], int(answer["ContentLength"])

    def fetch(self, key: str) -> BinaryIO | None:
        """A copy of the object of ``key`` on this machine; ``None`` if there is none."""
        opened = self.open(key)
        if opened is None:
            return None
        with self._said(), opened[0] as body:
            file = cast(BinaryIO, TemporaryFile(dir=self._scratch))  # noqa: SIM115  (the caller closes it)
            copyfileobj(body, file, _CHUNK)
            file.seek(0)
            return file

    def full(self, key: str) -> str:
        """The key of the object in the bucket."""
        return f"{self._prefix}/{key}" if self._prefix else key

    def put(self, key: str, file: BinaryIO) -> int:
        """Upload ``file`` whole and read it back; gives its length."""
        with self._said():
            length = file.seek(0, 2)
            file.seek(0)
            written = hashlib.file_digest(cast(BytesIO, file), "sha256").digest()
            file.seek(0)
            # boto3 closes the file that it uploads, but the draft's context must do that.
            self._client.upload_fileobj(_Unclosed(file), self._bucket, self.full(key))
            if self._digest(key) != written:
                raise ArchiveUnavailable(f"The archive {self.name} gives back other bytes than were written to it.")
            return length

    def _digest(self, key: str) -> bytes:
        opened = self.open(key)
        if opened is None:
            return b""
        found = hashlib.sha256()
        with opened[0] as body:
            while chunk := body.read(_CHUNK):
                found.update(chunk)
        return found.digest()

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, Boto3Error, ClientError, OSError) as error:
            # Never the error's own text, in which a server may repeat the request.
            code = error.response.get("Error", {}).get("Code") if isinstance(error, ClientError) else None
            why = code or getattr(error, "strerror", None) or type(error).__name__
            raise ArchiveUnavailable(f"The archive {self.name} cannot be used ({why}).") from error


class _Unclosed:
    """A file that stays open, for boto3, which closes the files it is given."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read, self.seek, self.tell = file.read, file.seek, file.tell

    def close(self) -> None:
        """Do nothing: the draft's context closes the file."""


class _BucketDraft:
    def __init__(self, file: BinaryIO, key: str, place: BucketPlace) -> None:
        self.file, self._key, self._place = file, key, place

    def publish(self) -> int:
        """Upload the file; an object appears whole or not at all."""
        self.file.flush()
        return self._place.put(self._key, self.file)
