"""One request as the pages see it: a frozen :class:`Visit`, read from Twisted's request at the edge."""

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
        method: upper case.
        path: as sent, without the query; never decoded, as no address of ours needs it.
        target: path and query as sent.
        query: the query's fields.
        headers: by lower-case name; repeated ones joined by commas.
        body: at most the limit of :mod:`ppl.web.http.request`.
        client: what is throttled: the client's address (of IPv6 the /64).
        secure: whether the browser speaks TLS, to us or to the proxy before us.
        tls: whether this very connection is TLS, or that of a trusted proxy that says so.
        recognised: called once it turns out who sends it, so that it is not counted as a stranger's.
        when_gone: has what it is given called, if the client goes before the answer.
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
        """The header of that lower-case ``name``."""
        return self.headers.get(name)

    @property
    def host(self) -> str:
        """The ``Host`` header."""
        return self.headers.get("host", "")

    @property
    def is_for_programs(self) -> bool:
        """Whether errors are answered as JSON."""
        return self.path.startswith(("/api/", "/logs/"))

    def form(self) -> dict[str, str]:
        """The fields of the form (or JSON object) in the body; each field at most once.

        Raises:
            BadRequest: they cannot be read.
            UnsupportedType: neither type.
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
            raise BadRequest("The form cannot be read.") from error


def fields_of(text: str) -> dict[str, str]:
    """``a=1&b=2`` as fields.

    Raises:
        ValueError: not UTF-8, too many, or one came twice.
    """
    pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field came twice")
    return fields


def _json_fields(body: bytes) -> dict[str, str]:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON.") from error
    if not isinstance(value, dict) or not all(isinstance(field, str) for field in value.values()):
        raise BadRequest("The body must be a JSON object of strings.")
    return value
