"""Walks a JSON text without decoding more than one small value of it at a time.

:func:`json.loads` of a whole body takes long and holds all of it. A reader that knows the outer shape of a body walks
through it with :class:`JsonWalk`, and decodes only the records. Used by the readers of protocols.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ppl.sources.bodies import BodyUnreadable

_BLANK = re.compile(r"[ \t\r\n]*")
_decoder = json.JSONDecoder()


class JsonWalk:
    """A place in a text.

    Args:
        text: the whole text.
        at: where the walk begins.

    Attributes:
        at: where the walk is; may be set to a place where it was before.
    """

    def __init__(self, text: str, at: int = 0) -> None:
        self.at = at
        self._text = text

    def value(self) -> Any:
        """The value that begins here; the walk is then behind it.

        Raises:
            BodyUnreadable: there is none.
        """
        try:
            found, self.at = _decoder.raw_decode(self._text, self._after_blanks())
        except (ValueError, RecursionError) as error:
            raise self._broken() from error
        return found

    def members(self) -> Iterator[str]:
        """Each key of the object that begins here. Before the next is asked for, the walk must be behind the value.

        Raises:
            BodyUnreadable: there is no object, or it is broken.
        """
        for _ in self._between("{", "}"):
            key = self.value()
            if not isinstance(key, str):
                raise self._broken()
            self._expect(":")
            yield key

    def elements(self) -> Iterator[None]:
        """Stops at each element of the array that begins here, which must then be read.

        Raises:
            BodyUnreadable: there is no array, or it is broken.
        """
        yield from self._between("[", "]")

    def begins_with(self, char: str) -> bool:
        """Whether the value that begins here begins with ``char``, such as a bracket."""
        return self._text.startswith(char, self._after_blanks())

    def is_at_end(self) -> bool:
        """Whether nothing but blanks follows."""
        return self._after_blanks() == len(self._text)

    def _between(self, opening: str, closing: str) -> Iterator[None]:
        """Stops at each item between brackets; the walk must be behind it before the next is asked for."""
        self._expect(opening)
        if self._is_at(closing):
            return
        while True:
            yield
            if not self._is_at(","):
                self._expect(closing)
                return

    def _after_blanks(self) -> int:
        match = _BLANK.match(self._text, self.at)
        assert match is not None
        return match.end()

    def _is_at(self, char: str) -> bool:
        at = self._after_blanks()
        if not self._text.startswith(char, at):
            return False
        self.at = at + 1
        return True

    def _expect(self, char: str) -> None:
        if not self._is_at(char):
            raise self._broken()

    def _broken(self) -> BodyUnreadable:
        return BodyUnreadable(f"The body is not the JSON of this protocol at character {self.at}.")
