"""Reads and checks the query parameters of ``/api/events`` and similar addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from ppl.access.destinations import Access
from ppl.model import Account, Destination
from ppl.search.columns import read_columns
from ppl.search.errors import QueryError
from ppl.search.query import Query, parse
from ppl.timezone import parse_time_zone
from ppl.web.http.answers import BadRequest
from ppl.web.http.visit import Visit

_ID = re.compile(r"[0-9]{1,18}", re.ASCII)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class BadQuery(BadRequest):
    """The query cannot be understood."""

    code = "bad_query"

    def __init__(self, error: QueryError) -> None:
        super().__init__(str(error))
        self.position = error.position
        self.expected = error.expected

    @property
    def fields(self) -> dict[str, Any]:
        """The fields of any error, with ``position`` (where the query is wrong) and ``expected`` (valid text there)."""
        return {**super().fields, "position": self.position, "expected": self.expected}


def destination_of(fields: Mapping[str, str], access: Access) -> Destination:
    """The destination that ``user_id`` names; if it is left out, the only one that the account may read.

    Raises:
        NotReadable: the account may not read it, or no such destination exists.
        BadRequest: ``user_id`` is left out and the account may read several destinations, or none.
    """
    user_id = fields.get("user_id")
    if user_id is not None:
        return access.named(user_id)
    if len(access) == 1:
        return access.readable[0]
    raise BadRequest("Give a user_id: there are several destinations." if access else "There is no destination.")


def destinations_asked(fields: Mapping[str, str], access: Access) -> Sequence[Destination]:
    """The destination that ``user_id`` names; if it is left out, all that the account may read.

    Raises:
        NotReadable: the account may not read it, or no such destination exists.
    """
    return [access.named(fields["user_id"])] if "user_id" in fields else access.readable


def present_address(visit: Visit, access: Access) -> str | None:
    """The address of ``visit`` with the current ``user_id`` if it names an earlier one, else ``None``."""
    destination = access.find(visit.query.get("user_id"))
    if destination is None or destination.user_id == visit.query["user_id"]:
        return None
    return f"{visit.path}?{urlencode({**visit.query, 'user_id': destination.user_id})}"


def query_of(fields: Mapping[str, str], account: Account, now: int) -> Query:
    """The query in ``q``, in the search language (``docs/search.rst``); if it is missing, one that matches everything.

    Raises:
        BadQuery: the query is wrong; the error has the position and what was expected there.
    """
    try:
        return parse(fields.get("q", ""), parse_time_zone(account.time_zone), now)
    except QueryError as error:
        raise BadQuery(error) from error


def number_of(fields: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """The parameter ``name``, a whole number; ``default`` if it is missing.

    Raises:
        BadRequest: it is not a whole number, or not from ``least`` to ``most``.
    """
    text = fields.get(name, "")
    if not text:
        return default
    if not _ID.fullmatch(text) or not least <= int(text) <= most:
        raise BadRequest(f"{name} must be a number from {least} to {most}.")
    return int(text)


def id_of(fields: Mapping[str, str], name: str) -> int | None:
    """The parameter ``name``, an event id; ``None`` if it is missing.

    Raises:
        BadRequest: it is not an id.
    """
    text = fields.get(name, "")
    if not text:
        return None
    if not _ID.fullmatch(text):
        raise BadRequest(f"{name} must be the id of an event.")
    return int(text)


def time_of(fields: Mapping[str, str], name: str) -> int | None:
    """The parameter ``name``, an RFC 3339 time or whole seconds since 1970, as µs; ``None`` if it is missing.

    Raises:
        BadRequest: it is not a time.
    """
    text = fields.get(name, "")
    if not text:
        return None
    if re.fullmatch(r"[0-9]{1,11}", text, re.ASCII):
        return int(text) * 1_000_000
    try:
        # A plus sign that was not percent-encoded arrives as a blank; "t" and "z" may be lower-case (RFC 3339, 5.6).
        return (datetime.fromisoformat(text.replace(" ", "+").upper()) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRequest(f"{name} must be a time such as 2026-11-23T12:00:00Z.") from error


def bounds_of(fields: Mapping[str, str]) -> tuple[int | None, int | None]:
    """The ids, exclusive, between which events are wanted, from ``after``, ``before``, ``from`` and ``to``.

    Raises:
        BadRequest: one of them is not an id, or not a time.
    """
    since, until = time_of(fields, "from"), time_of(fields, "to")
    afters = [each for each in (id_of(fields, "after"), None if since is None else since - 1) if each is not None]
    befores = [each for each in (id_of(fields, "before"), until) if each is not None]
    return max(afters, default=None), min(befores, default=None)


def columns_asked(fields: Mapping[str, str]) -> tuple[str, ...]:
    """The parameter ``columns``, names of fields with commas between; none if it is missing.

    Raises:
        BadRequest: there are too many, or one is no name.
    """
    try:
        return read_columns(fields["columns"].split(",")) if fields.get("columns") else ()
    except ValueError as error:
        raise BadRequest(str(error)) from error


def ids_of(fields: Mapping[str, str], name: str, most: int) -> list[int]:
    """The parameter ``name``, ids of events with commas between.

    Raises:
        BadRequest: it is missing, one is not an id, or there are more than ``most``.
    """
    ids = fields.get(name, "").split(",")
    if len(ids) > most or not all(map(_ID.fullmatch, ids)):
        raise BadRequest(f"{name} must be from 1 to {most} ids of events, with commas between.")
    return list(map(int, ids))


def word_of(fields: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    """The parameter ``name``, one of ``words``; the first of them if it is missing.

    Raises:
        BadRequest: it is not one of ``words``.
    """
    text = fields.get(name, words[0])
    if text not in words:
        raise BadRequest(f"{name} must be one of {', '.join(words)}.")
    return text


__all__ = [
    "BadQuery",
    "bounds_of",
    "columns_asked",
    "destination_of",
    "id_of",
    "ids_of",
    "number_of",
    "present_address",
    "query_of",
    "time_of",
    "word_of",
]
