"""Which web pages may talk to Ppl: the check of ``Origin``, for the viewer's WebSocket and for every POST.

A browser says in ``Origin`` which page a request comes from; a page of another site could otherwise use the visitor's
cookie. Programs send no ``Origin``, and a page cannot leave it out of a WebSocket or a POST, so there a request without
it is allowed. ``null`` (sandboxed frames, files, redirects across sites) belongs to no site and is always refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

import attrs

_ORIGIN = re.compile(r"(https?)://([a-z0-9._~%-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?", re.ASCII)
_HOST = re.compile(r"([a-z0-9._~%-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]
"""Scheme, host, port."""


@attrs.frozen
class OriginPolicy:
    """Allows only Ppl's own pages: those of ``public_url`` if set, else of the address the request was sent to."""

    public_url: str | None

    def allowed(self, origin: str | None, host: str, secure: bool) -> bool:
        """Whether a request with this ``Origin`` may be served.

        Args:
            origin: the header, ``None`` when absent.
            host: the ``Host`` header.
            secure: whether the connection itself is TLS.
        """
        if origin is None:
            return True
        return self._is_own(parse_origin(origin), host, secure)

    def form_allowed(
        self, origin: str | None, fetch_site: str | None, referer: str | None, host: str, secure: bool
    ) -> bool:
        """Whether a POST may be served.

        Every current browser sends ``Origin`` with a POST. If it is missing, ``Sec-Fetch-Site`` tells the page's site
        or, in browsers older than that header, ``Referer``. A request with none of the three comes from a program, or
        from a browser stripped of all of them: the form's CSRF token still protects it.
        """
        if origin is not None:
            return self.allowed(origin, host, secure)
        if fetch_site is not None and fetch_site not in ("same-origin", "none"):
            return False
        if referer:
            return self._is_own(_origin_of_url(referer), host, secure)
        return True

    def _is_own(self, origin: Origin | None, host: str, secure: bool) -> bool:
        if origin is None:
            return False
        if self.public_url is not None:
            return origin == parse_origin(self.public_url)
        return origin == _origin_of_host(host, "https" if secure else "http")


@attrs.frozen
class Hosts:
    """The host names that Ppl answers to. A foreign page whose name leads to this machine (DNS rebinding) has another.

    Addresses and ``localhost`` are always accepted, since nobody can register them as a name.
    """

    names: frozenset[str]

    def has(self, host: str) -> bool:
        """Whether the ``Host`` header is one of the names, with any port, or is empty: browsers always send one."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return not host
        name = match[1].removesuffix(".")
        return name in self.names or name == "localhost" or name.endswith(".localhost") or _is_address(name)


def hosts_of(public_url: str | None, public_host: str, machine: str, further: Iterable[str]) -> Hosts:
    """The host names of an installation: in its URL, for its senders, of its machine, and ``further`` ones."""
    names = {public_host.lower(), machine.lower(), *(each.lower() for each in further)}
    origin = parse_origin(public_url) if public_url else None
    return Hosts(frozenset(names | ({origin[1]} if origin else set())))


def _is_address(name: str) -> bool:
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def parse_origin(text: str) -> Origin | None:
    """``scheme://host[:port]`` with the default port filled in; ``None`` for anything else, including ``null``."""
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        return None
    return match[1], match[2], int(match[3] or _DEFAULT_PORTS[match[1]])


def is_host(text: str) -> bool:
    """Whether ``text`` is a well-formed ``Host`` header: a name or an address, and perhaps a port."""
    return len(text) <= 259 and _HOST.fullmatch(text.lower()) is not None


def _origin_of_host(host: str, scheme: str) -> Origin | None:
    match = _HOST.fullmatch(host.lower())
    return (scheme, match[1], int(match[2] or _DEFAULT_PORTS[scheme])) if match else None


def _origin_of_url(url: str) -> Origin | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parse_origin(f"{parts.scheme}://{parts.netloc}")
