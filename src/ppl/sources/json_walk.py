"""Walks a JSON text without decoding more than one small value of it at a time.

:func:`json.loads` of a whole body takes long and holds all of it. A reader that knows the outer shape of a body walks
through it with :class:`JsonWalk`, and decodes only the records. Used by the readers of protocols. A value
that is longer than a window is passed over, or read in part, in steps of a few milliseconds: its decoder in C would not
stop before its end, whatever else waits.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from typing import Any

import attrs

from ppl.sources.body_errors import BodyUnreadable

#: Characters of a value that is decoded whole, and of a step in a longer one.
WINDOW_OF_VALUE = 32 * 1024
_STEP = 32 * 1024

#: In place of a value that is longer than the window.
BIG: Any = object()
#: In place of a value in a longer one that is not kept.
_LEFT_OUT: Any = object()

#: Values within a longer one that are kept, and how deep they are looked for.
_MOST_VALUES, _MOST_DEPTH = 2000, 20
#: Characters of a longer value that are kept, beside four texts of the most bytes of a line.
_MOST_KEPT = 64 * 1024
#: Values after which others get a turn.
_TURN_VALUES = 500

#: Characters of blanks between two tokens, beyond which a text counts as broken: to pass over them takes a millisecond.
_MOST_BLANKS = 1024 * 1024

_BLANK = re.compile(r"[ \t\r\n]*")
_BLANKS = frozenset(" \t\r\n")
_IN_TEXT = re.compile(r'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\[^u])*+', re.DOTALL)
_TEXTS = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_WHOLE_TEXTS = re.compile(r'(?:[^"]++|"(?:[^"\\]++|\\.)*+")*+', re.DOTALL)
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_decoder = json.JSONDecoder()


class JsonWalk:
    """A place in a text.

    Args:
        text: the whole text.
        at: where the walk begins.
        decoder: decodes the values.

    Attributes:
        at: where the walk is; may be set to a place where it was before.
    """

    def __init__(self, text: str, at: int = 0, decoder: json.JSONDecoder = _decoder) -> None:
        self.at = at
        self._text = text
        self._decoder = decoder
        # A part of the text, which a decoder does not look beyond, and where it begins.
        self._near, self._base = "", 0

    def value_within(self) -> Any:
        """The value that begins here, as :meth:`value`; :data:`BIG`, before the value, if it is a longer one.

        Raises:
            BodyUnreadable: there is none.
        """
        at, text = self._after_blanks(), self._text
        ends = self._base + len(self._near)
        if not self._base <= at or (at + WINDOW_OF_VALUE > ends and ends < len(text)):
            self._base, self._near = at, text[at : at + 2 * WINDOW_OF_VALUE]
            ends = self._base + len(self._near)
        try:
            found, end = self._decoder.raw_decode(self._near, at - self._base)
        except ValueError as error:
            if ends >= len(text) or text[at] not in '{["':
                raise self._broken() from error
            self.at = at
            return BIG
        except RecursionError as error:
            raise self._broken() from error
        self.at = self._base + end
        return found

    def pass_over(self) -> Generator[None, None, None]:
        """Walk past the value that begins here, whatever is in it, with a stop every few milliseconds.

        Raises:
            BodyUnreadable: there is none.
        """
        if self.value_within() is not BIG:
            return
        yield
        if self.begins_with('"'):
            yield from self.text_in_part(0)
        else:
            self.at += 1
            yield from self.leave(1)

    def text_in_part(self, most: int) -> Generator[None, None, str]:
        """The first ``most`` characters, or a few more, of the text that begins here; the walk is then behind it.

        Raises:
            BodyUnreadable: it has no end.
        """
        text, at = self._text, self._after_blanks() + 1
        kept: list[str] = []
        left = most
        while not text.startswith('"', at):
            match = _IN_TEXT.match(text, at, at + _STEP)
            if match is None or match.end() == at:
                raise self._broken()
            if left > 0:
                kept.append(self._unescaped(match[0]))
                left -= len(kept[-1])
            at = match.end()
            yield
        self.at = at + 1
        return "".join(kept)

    def leave(self, depth: int) -> Generator[None, None, None]:
        """From within so many brackets walk behind the outermost, with a stop every few milliseconds.

        Raises:
            BodyUnreadable: it is not closed.
        """
        text = self._text
        while depth:
            match = _WHOLE_TEXTS.match(text, self.at, self.at + _STEP)
            assert match is not None
            if match.end() == self.at:
                if self.at >= len(text):
                    raise self._broken()
                yield from self.text_in_part(0)
                continue
            between = _TEXTS.sub("", match[0])
            closed = between.count("]") + between.count("}")
            if closed < depth:
                depth += between.count("[") + between.count("{") - closed
                self.at = match.end()
            else:
                depth = self._left(depth, match.end())
            yield

    def _left(self, depth: int, end: int) -> int:
        """The depth at ``end``, or 0 behind the bracket that closes the outermost."""
        for bracket in _BRACKET.finditer(self._text, self.at, end):
            if bracket[0] in "[{":
                depth += 1
            elif bracket[0] in "]}":
                depth -= 1
                if not depth:
                    self.at = bracket.end()
                    return 0
        self.at = end
        return depth

    def _unescaped(self, inner: str) -> str:
        try:
            return str(_decoder.decode(f'"{inner}"'))
        except ValueError as error:
            raise self._broken() from error

    def value(self) -> Any:
        """The value that begins here; the walk is then behind it.

        Raises:
            BodyUnreadable: there is none.
        """
        try:
            found, self.at = self._decoder.raw_decode(self._text, self._after_blanks())
        except (ValueError, RecursionError) as error:
            raise self._broken() from error
        return found

    def members(self) -> Iterator[str]:
        """Each key of the object that begins here. Before the next is asked for, the walk must be behind the value.

        Raises:
            BodyUnreadable: there is no object, or it is broken.
        """
        for _ in self._between("{", "}"):
            key = self.value_within()
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
        if self._text[self.at : self.at + 1] not in _BLANKS:
            return self.at
        match = _BLANK.match(self._text, self.at, self.at + _MOST_BLANKS)
        assert match is not None
        if match.end() == self.at + _MOST_BLANKS:
            raise self._broken()
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


def part_of_value(walk: JsonWalk, most: int) -> Generator[None, None, Any]:
    """The value at which ``walk`` stands, which is a :data:`BIG` one, in part; stops every few milliseconds.

    Texts are kept up to ``most`` characters each, and members and elements until they have a few times as many.

    Raises:
        BodyUnreadable: there is none.
    """
    # That it is a big one was found just now, by decoding as much as is decoded at once.
    yield
    part = _Part(walk, most, 4 * most + _MOST_KEPT)
    found = yield from part.value(0)
    if part.open_brackets:
        yield from walk.leave(part.open_brackets)
    return found


@attrs.define
class _Part:
    """What is kept of a value.

    Attributes:
        walk: where it is read.
        most: characters of a text.
        chars: characters that may still be kept.
        values: values that may still be kept.
        open_brackets: how many brackets were open where the last value was kept, 0 before that.
    """

    walk: JsonWalk
    most: int
    chars: int
    values: int = _MOST_VALUES
    open_brackets: int = 0

    def value(self, depth: int) -> Generator[None, None, Any]:
        walk, begin = self.walk, self.walk.at
        found = walk.value_within()
        if found is not BIG:
            return found if self._is_kept(walk.at - begin) else _LEFT_OUT
        yield
        if walk.begins_with('"'):
            text = yield from walk.text_in_part(self.most + 4)
            return text if self._is_kept(len(text)) else _LEFT_OUT
        if depth >= _MOST_DEPTH:
            yield from walk.pass_over()
            return _LEFT_OUT
        if walk.begins_with("{"):
            return (yield from self._members(depth))
        return (yield from self._elements(depth))

    def _members(self, depth: int) -> Generator[None, None, dict[str, Any]]:
        made: dict[str, Any] = {}
        for key in self.walk.members():
            inner = yield from self.value(depth + 1)
            if inner is not _LEFT_OUT:
                made[key] = inner
            if self._is_over(depth):
                break
            if self.values % _TURN_VALUES == 0:
                yield
        return made

    def _elements(self, depth: int) -> Generator[None, None, list[Any]]:
        made: list[Any] = []
        for _ in self.walk.elements():
            inner = yield from self.value(depth + 1)
            if inner is not _LEFT_OUT:
                made.append(inner)
            if self._is_over(depth):
                break
            if self.values % _TURN_VALUES == 0:
                yield
        return made

    def _is_kept(self, size: int) -> bool:
        if size > self.chars:
            return False
        self.chars -= size
        return True

    def _is_over(self, depth: int) -> bool:
        """Whether the last value was read that may be kept, within ``depth`` brackets or further in."""
        self.values -= 1
        if self.values <= 0 and not self.open_brackets:
            self.open_brackets = depth + 1
        return self.open_brackets > 0
