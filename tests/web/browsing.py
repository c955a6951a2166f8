"""A browser without JavaScript: keeps cookies, finds the hidden token of forms, sends ``Origin`` as browsers do."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import attrs
import treq
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Protocol

PASSWORD = "correct horse battery"


@attrs.frozen
class Page:
    """A response."""

    status: int
    text: str
    headers: dict[str, list[str]]

    def header(self, name: str) -> str | None:
        """The header with that lower-case name, ``None`` unless there is exactly one."""
        values = self.headers.get(name, [])
        return values[0] if len(values) == 1 else None

    @property
    def location(self) -> str | None:
        return self.header("location")

    @property
    def set_cookies(self) -> dict[str, str]:
        """Name → the whole ``Set-Cookie``."""
        return {value.partition("=")[0]: value for value in self.headers.get("set-cookie", [])}

    @property
    def csrf_token(self) -> str:
        match = re.search(r'<input type="hidden" name="csrf_token" value="([^"]+)"', self.text)
        assert match, f"no csrf_token in {self.text}"
        return match[1]


class Browser:
    """One browser of the site at ``url``; ``origin`` is what its address bar shows."""

    def __init__(self, url: str, origin: str | None = None) -> None:
        self.url = url
        self.origin = origin or url
        self.cookies: dict[str, str] = {}

    async def request(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Page:
        """Send one request; redirects are not followed. A header given as ``""`` is left out."""
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        sent["Host"] = urlsplit(self.origin).netloc
        sent.update(headers or {})
        response = await treq.request(
            method,
            self.url + path,
            headers={name: value for name, value in sent.items() if value},
            allow_redirects=False,
            persistent=False,
            browser_like_redirects=False,
            **more,
        )
        text = await response.text("utf-8")
        received = {
            name.decode().lower(): [value.decode() for value in values]
            for name, values in response.headers.getAllRawHeaders()
        }
        page = Page(response.code, text, received)
        for name, whole in page.set_cookies.items():
            value = whole.partition(";")[0].partition("=")[2]
            if "Max-Age=0" in whole:
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        return page

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Page:
        return await self.request("GET", path, headers)

    async def post(self, path: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> Page:
        """Send a form without opening the page that it is on."""
        return await self.request("POST", path, {"Origin": self.origin, **(headers or {})}, data=fields)

    async def submit(self, path: str, fields: dict[str, str], on: str | None = None) -> Page:
        """Open the page ``on`` (the form's own address if not given), then send the form."""
        form = await self.get(on or path)
        return await self.post(path, {"csrf_token": form.csrf_token, **fields})

    async def register(self, email: str, time_zone: str = "UTC", password: str = PASSWORD) -> Page:
        return await self.submit("/register", {"email": email, "password": password, "timeZone": time_zone})

    async def log_in(self, email: str, password: str = PASSWORD, **more: str) -> Page:
        return await self.submit("/login", {"email": email, "password": password, **more})

    async def create_token(self, label: str = "a program") -> str:
        """Make a bearer token on the settings page and return it."""
        page = await self.submit("/settings/tokens", {"label": label}, on="/settings")
        shown = re.search(r'id="new-token">([\w-]+)<', page.text)
        assert shown, page.text
        return shown[1]


async def speak(port: int, data: bytes, then: bytes = b"") -> bytes:
    """Send ``data`` as it is, and ``then`` after the first bytes back; return all bytes until the site closes."""
    return await speak_to(TCP4ClientEndpoint(reactor, "127.0.0.1", port), data, then)


async def speak_to(endpoint: Any, data: bytes, then: bytes = b"") -> bytes:
    """As :func:`speak`, over a client endpoint."""
    heard = _Hearing(then)
    await connectProtocol(endpoint, heard)
    heard.transport.write(data)
    return await heard.everything.addTimeout(20, reactor)


class _Hearing(Protocol):
    def __init__(self, then: bytes) -> None:
        self.everything: Deferred[bytes] = Deferred()
        self._received = bytearray()
        self._then = then

    def dataReceived(self, data: bytes) -> None:
        if self._then and not self._received:
            self.transport.write(self._then)
        self._received += data

    def connectionLost(self, reason: Any = None) -> None:
        if not self.everything.called:
            self.everything.callback(bytes(self._received))
