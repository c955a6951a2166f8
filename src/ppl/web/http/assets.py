"""The browser's assets under ``/static/<content-hash>/…``: read once at start, gzipped, cached for ever by browsers.

One hash covers all files, so that modules may import each other by relative paths. A request is looked up among the
files read at start: no path from the network ever reaches the file system. Scripts are served without comments and
blanks, the viewer's modules as one script (see :mod:`ppl.web.http.combined`).
"""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import cache
from pathlib import Path, PurePosixPath

import attrs
from rjsmin import jsmin

from ppl.web.http.answers import Answer, MethodNotAllowed, NotFound
from ppl.web.http.combined import combined
from ppl.web.http.visit import Visit

STATIC = Path(__file__).parents[1] / "static"
PREFIX = "/static/"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
_COMPRESSED_ALREADY = {".png", ".woff2"}
# RFC 9110 section 12.5.3: gzip is named, or "*" stands for it, and its weight is not zero.
_ACCEPTS_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?:1|0?\.0*[1-9])[\d.]*\s*)?(?:,|$)", re.A | re.I)
_FOR_EVER = ("Cache-Control", "public, max-age=31536000, immutable")
_VARY = ("Vary", "Accept-Encoding")


@attrs.frozen
class Asset:
    """One file: its bytes, the gzipped bytes if they are fewer, and its content type."""

    plain: bytes = attrs.field(repr=False)
    gzipped: bytes | None = attrs.field(repr=False)
    content_type: str


class Assets:
    """The files of known types under ``directory``."""

    def __init__(self, directory: Path = STATIC) -> None:
        self._assets: dict[str, Asset] = {}
        digest = hashlib.sha256()
        for name, content in sorted(_read(directory).items()):
            suffix = PurePosixPath(name).suffix
            if suffix == ".js":
                content = jsmin(content)
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
            self._assets[name] = _asset(content, suffix)
        self.version = digest.hexdigest()[:16]

    @property
    def names(self) -> frozenset[str]:
        """The assets' paths, relative to the directory."""
        return frozenset(self._assets)

    def url(self, name: str) -> str:
        """The address of the asset ``name``; templates call it as ``asset('app.css')``."""
        return f"{PREFIX}{self.version}/{name}"

    def answer(self, visit: Visit) -> Answer:
        """The asset that ``visit`` asks for.

        Raises:
            NotFound: this version has no asset of that name.
            MethodNotAllowed: the method is neither GET nor HEAD.
        """
        if visit.method not in ("GET", "HEAD"):
            raise MethodNotAllowed(visit.method, "GET, HEAD")
        version, _, name = visit.path.removeprefix(PREFIX).partition("/")
        asset = self._assets.get(name) if version == self.version else None
        if asset is None:
            raise NotFound
        if asset.gzipped is not None and _ACCEPTS_GZIP.search(visit.header("accept-encoding") or ""):
            headers = (_FOR_EVER, _VARY, ("Content-Encoding", "gzip"))
            return Answer(200, asset.gzipped, asset.content_type, headers)
        return Answer(200, asset.plain, asset.content_type, (_FOR_EVER, _VARY))


@cache
def installed_assets() -> Assets:
    """The assets that come with Ppl, read and compressed once in this process however many sites it has."""
    return Assets()


def _read(directory: Path) -> dict[str, bytes]:
    """The files by their paths below ``directory``, with the scripts that replace the viewer's modules."""
    files = {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in directory.rglob("*")
        if path.suffix in _TYPES and path.is_file()
    }
    modules = {PurePosixPath(name).stem: code.decode() for name, code in files.items() if _is_module(name)}
    if "main" in modules:
        files |= {f"{name}.js": code.encode() for name, code in combined(modules, "main", "viewer").items()}
    return files


def _is_module(name: str) -> bool:
    return PurePosixPath(name).match("js/*.js")


def _asset(content: bytes, suffix: str) -> Asset:
    # mtime=0, so that the same content gives the same bytes.
    gzipped = None if suffix in _COMPRESSED_ALREADY else gzip.compress(content, 9, mtime=0)
    if gzipped is not None and len(gzipped) >= len(content):
        gzipped = None
    return Asset(content, gzipped, _TYPES[suffix])
