"""Addresses of protocols in which some parts are names, such as ``/<name>/_doc``, and which of them a path is.

A path is looked up part by part, so that most paths cost no more than their first parts, however many addresses there
are: the drain asks for every request, also for those of the site.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

import attrs

_NAME = re.compile("<([a-z]+)>")

#: Names that stand for any part. The others stand for none that Elasticsearch keeps for itself, as ``_bulk``.
_ANY = frozenset(("name", "id"))
#: The name that also stands for no part with which another address begins.
_FREE = "index"


@attrs.define(eq=False)
class _Part:
    """A place in addresses, after some of their parts.

    Attributes:
        ends: the address that ends here; ``""`` if there is none.
        texts: the places after each text.
        names: the places after each name.
    """

    ends: str = ""
    texts: dict[str, _Part] = attrs.Factory(dict)
    names: dict[str, _Part] = attrs.Factory(dict)


class Addresses:
    """A set of addresses.

    Args:
        addresses: each begins with a slash; a part in angle brackets is a name, which stands for other texts.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._root = _Part()
        for address in addresses:
            part = self._root
            for text in _parts(address):
                name = _NAME.fullmatch(text)
                part = part.names.setdefault(name[1], _Part()) if name else part.texts.setdefault(text, _Part())
            part.ends = address

    def of(self, path: str) -> Collection[str]:
        """The addresses that ``path`` is; it has no slash at its end, except ``/``, and no two side by side."""
        # A path may also be a whole URL, or ``*``.
        places = [self._root] if path.startswith("/") else []
        for text in _parts(path):
            places = [place for before in places for place in self._after(before, text)]
            if not places:
                break
        return [place.ends for place in places if place.ends]

    def _after(self, part: _Part, text: str) -> Iterator[_Part]:
        named = part.texts.get(text)
        if named is not None:
            yield named
        for name, place in part.names.items():
            if text and (name in _ANY or self._is_free(name, text)):
                yield place

    def _is_free(self, name: str, text: str) -> bool:
        return not text.startswith("_") and (name != _FREE or text not in self._root.texts)


def _parts(path: str) -> list[str]:
    return path.split("/")[1:]
