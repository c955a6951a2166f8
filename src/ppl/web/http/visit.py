"""One request as handlers see it: a frozen :class:`Visit`, which :mod:`ppl.web.http.request` reads from Twisted's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import attrs

from ppl.web.http.answers import BadRequest, UnsupportedType

_MOST_FIELDS = 20


@attrs.frozen
class Visit:
    """A request.

    Attributes:
        method: the method, as sent.
        path: the path as sent, without the query; never decoded, since no address of the site needs that.
        target: path and query as sent.
        query: the query's fields.
        headers: the headers by lower-case name; the values of a repeated one are joined by commas.
        body: the body, at most as long as :mod:`ppl.web.http.request` allows.
        client: the key to throttle by: the client's address (for IPv6, its /64).
        secure: whether the browser speaks TLS, to Ppl or to a proxy in front of it.
        tls: whether this connection is TLS, or a trusted proxy says that the client's is.
        recognised: called once the request's account is known, so that the request does not count as a stranger's.
        when_gone: takes a function, and calls it if the client disconnects before the response has ended.
    """

    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    client: str
    secure: bool
    tls: bool
    recognised: Callable[[], object] = attrs.field(default=lambda: None, repr=False, eq=False)
    when_gone: Callable[[Callable[[], None]], object] = attrs.field(default=lambda act: None, repr=False, eq=False)

    def header(self, name: str) -> str | None:
        """The header with that lower-case ``name``, ``None`` if it is missing."""
        return self.headers.get(name)

    @property
    def host(self) -> str:
        """The ``Host`` header, empty if it is missing."""
        return self.headers.get("host", "")

    @property
    def is_for_programs(self) -> bool:
        """Whether errors are sent as JSON."""
        return self.path.startswith(("/api/", "/logs/"))

    def form(self) -> dict[str, str]:
        """The fields of the form (or JSON object) in the body; each field at most once.

        Raises:
            BadRequest: the body cannot be parsed.
            UnsupportedType: the body is neither a form nor, from a program, JSON.
        """
        kind = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if not self.body:
            return {}
        if kind == "application/json" and self.is_for_programs:
            return _json_fields(self.body)
        if kind != "application/x-www-form-urlencoded":
            raise UnsupportedType
        try:
            return fields_of(self.body.decode("utf-8"))
        except ValueError as error:
            raise BadRequest("The form cannot be parsed.") from error


def fields_of(text: str) -> dict[str, str]:
    """The fields of text such as ``a=1&b=2``.

    Raises:
        ValueError: they are not UTF-8, too many, or one appears twice.
    """
    pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field appears twice")
    return fields


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON.") from error
    if not isinstance(value, dict) or not all(isinstance(field, str) for field in value.values()):
        raise BadRequest("The body must be a JSON object of strings.")
    return value
