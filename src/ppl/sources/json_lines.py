"""Parses log events in JSON: text in, :class:`~ppl.model.Lines` out.

The text holds objects: in an array, one on each line, one after the other, or each written over several lines. What
becomes of an object is said in :mod:`ppl.sources.json_fields`. A value that is not an object, and a line that is not
JSON, are kept whole as messages: nothing is refused and nothing lost.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator, Iterator
from datetime import tzinfo
from typing import Any

import attrs

from ppl.model import Lines, Row, row_of
from ppl.sources.body_errors import BodyUnreadable
from ppl.sources.json_fields import ObjectReader, message_text, stored_text
from ppl.sources.json_walk import BIG, WINDOW_OF_VALUE, JsonWalk, part_of_value
from ppl.sources.pace import Pace

#: Characters in which the end of an object over several lines is looked for: at most a millisecond or two of work. One
#: that is all of the text, or the first of it, may be longer.
WINDOW = 128 * 1024
#: Objects over several lines that may turn out to be none.
_MOST_FAILURES = 20

#: Repeated keys of an object that is read.
_MOST_REPEATED = 100

# RFC 7464 has a record separator before each text.
_BLANK = " \t\r\x1e"
_SPACE = re.compile(r"[ \t\r\n\x1e]*")
_OBJECT = re.compile(r'\{[ \t\r\n]*"(?:[^"\\\n]|\\.)*"[ \t\r\n]*:')
_BETWEEN = re.compile(r"[ \t\r\x1e]*,?[ \t\r\x1e]*")


def json_pieces(
    text: str, received_at: int, zone: tzinfo, max_line_bytes: int, piece: int, most: int
) -> Iterator[tuple[Lines, int]]:
    """The events of ``text``, in parts of about ``piece`` characters or ``most`` events, and each part's length."""
    yield from object_pieces(text, ObjectReader(received_at, zone, max_line_bytes), piece, most)


def object_pieces(text: str, objects: ObjectReader, piece: int, most: int) -> Iterator[tuple[Lines, int]]:
    """As :func:`json_pieces`, with ``objects`` to read each object."""
    reader, pace = _Reader(text, objects), Pace()
    parsed: list[Row] = []
    start = 0
    for event, end in reader.events():
        if event is not None:
            parsed.append(event)
        if pace.is_due() or end - start >= piece or len(parsed) >= most:
            yield Lines.of_rows(parsed), end - start
            parsed, start = [], end
    yield Lines.of_rows(parsed), len(text) - start


def text_event(text: str, objects: ObjectReader) -> Row | None:
    """The event of ``text``, without blanks around it, which is one value; what is no JSON is kept whole."""
    reader = _Reader(text, objects)
    found = _value(text, 0)
    if found is None or found[1] != len(text):
        return reader._whole(text)
    return reader._event(found[0], text)


def whole_object(text: str) -> dict[str, Any] | None:
    """The object that ``text`` is, from its first character to its last; ``None`` if it is none."""
    found = _value(text, 0)
    return found[0] if found is not None and found[1] == len(text) and isinstance(found[0], dict) else None


def begins_with_object(text: str, is_cut: bool) -> bool:
    """Whether ``text`` begins with an object, alone on its line or beside others, or with an array of objects.

    Args:
        text: the beginning of a text.
        is_cut: whether the text goes on after it, so that an object may not end within it.
    """
    start = _after_space(text, 0)
    is_array = text.startswith("[", start)
    start = _after_space(text, start + 1) if is_array else start
    found = _value(text, start)
    if found is None:
        return is_cut and _OBJECT.match(text, start) is not None
    if not isinstance(found[0], dict):
        return False
    following = _after(text, found[1])
    return is_array or following == len(text) or text[following] in "\n{"


@attrs.define
class _Reader:
    text: str
    objects: ObjectReader
    failures: int = 0

    def events(self) -> Iterator[tuple[Row | None, int]]:
        """Each event (``None`` for what is none) and where it ends."""
        start, is_whole = _after_space(self.text, 0), True
        while is_whole and self.text.startswith("[", start):
            start, is_whole = yield from self._array(start)
        yield from self._lines(start)

    def _array(self, opening: int) -> Generator[tuple[Row | None, int], None, tuple[int, bool]]:
        """The elements of an array; returns where the text goes on, and whether the array came to its end."""
        text = self.text
        walk = JsonWalk(text, opening, _decoder)
        start = opening + 1
        while True:
            begin = _after_space(text, start)
            found = yield from self._long_value(walk, begin, 0)
            if found is None:
                if text.startswith("]", begin):
                    return _after_space(text, begin + 1), True
                # Text such as "[info] started" is no array.
                return (opening if start == opening + 1 else begin), False
            value, end = found
            yield self._event(value, text[begin:end]), end
            start = _after_space(text, end)
            if not text.startswith(",", start):
                is_whole = text.startswith("]", start)
                return (_after_space(text, start + 1) if is_whole else start), is_whole
            start += 1

    def _lines(self, start: int) -> Iterator[tuple[Row | None, int]]:
        text = self.text
        while start < len(text):
            end = text.find("\n", start)
            end = len(text) if end < 0 else end
            line = text[start:end].strip(_BLANK)
            if not line.startswith("{"):
                yield (self._whole(line) if line else None), end + 1
                start = end + 1
                continue
            start = yield from self._objects(line, start, end)

    def _objects(self, line: str, start: int, end: int) -> Generator[tuple[Row | None, int], None, int]:
        """The objects of ``line``, which is at ``start``; returns where the text goes on."""
        walk = JsonWalk(line, 0, _decoder) if len(line) > WINDOW_OF_VALUE else None
        found = (yield from self._long_value(walk, 0, start)) if walk else _value(line, 0)
        if found is not None and found[1] == len(line):
            yield self._event(found[0], line), end
            return end + 1
        begin = self.text.index("{", start)
        at = 0
        if found is None:
            over_lines = yield from self._over_lines(line, begin)
            if over_lines is not None:
                value, after = over_lines
                yield self._event(value, self.text[begin:after]), after
                return _after(self.text, after)
        while found is not None:
            value, after = found
            following = _after(line, after)
            # Text that only begins with an object is a text; objects side by side are events, also before a broken one.
            found = None
            if line.startswith("{", following):
                found = (yield from self._long_value(walk, following, begin)) if walk else _value(line, following)
            if found is None and following < len(line) and not _OBJECT.match(line, following):
                break
            yield self._event(value, line[at:after]), begin + after
            at = following
        if at < len(line):
            yield self._whole(line[at:]), end
        return end + 1

    def _long_value(
        self, walk: JsonWalk, at: int, before: int
    ) -> Generator[tuple[None, int], None, tuple[Any, int] | None]:
        """As :func:`_value`, but of a very long one only a part, and others get a turn meanwhile.

        Args:
            walk: through the text.
            at: where the value begins.
            before: where the text of ``walk`` begins in the whole text.
        """
        walk.at = at
        try:
            value = walk.value_within()
            if value is BIG:
                steps = part_of_value(walk, self.objects.most)
                while True:
                    try:
                        next(steps)
                    except StopIteration as done:
                        value = done.value
                        break
                    yield None, before + at
        except BodyUnreadable:
            return None
        return value, walk.at

    def _over_lines(self, line: str, begin: int) -> Generator[tuple[None, int], None, tuple[Any, int] | None]:
        """The object that begins at ``begin`` with ``line`` and goes on in the following lines, if it does."""
        is_long = len(line) > WINDOW_OF_VALUE
        if self.failures > _MOST_FAILURES or not (is_long or _is_unfinished(line)):
            return None
        if begin == _after_space(self.text, 0):
            found = yield from self._long_value(JsonWalk(self.text, begin, _decoder), begin, 0)
        elif is_long:
            found = None
        else:
            found = _value(self.text[begin : begin + WINDOW], 0)
            found = found and (found[0], begin + found[1])
        self.failures += found is None
        return found

    def _whole(self, text: str) -> Row:
        return row_of({"message": stored_text(text, self.objects.most)})

    def _event(self, value: Any, text: str) -> Row | None:
        if isinstance(value, str):
            message = message_text(value, self.objects.most)
            return row_of({"message": message}) if message else self._whole(text)
        try:
            return self.objects.row(value, text) if isinstance(value, dict) else self._whole(text)
        except RecursionError:
            # Its nesting was just shallow enough to be read, but is too deep to be written.
            return self._whole(text)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of ``pairs``; of keys that occur more than once, the last has the name and the others get a number.

    Raises:
        ValueError: there are too many of these, so that the object is better kept as text.
    """
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    if len(pairs) - len(made) > _MOST_REPEATED:
        raise ValueError
    number: dict[str, int] = {}
    for key, value in pairs:
        if made[key] is value:
            continue
        other = key
        while other in made:
            number[key] = number.get(key, 0) + 1
            other = f"{key}#{number[key]}"
        made[other] = value
    return made


_decoder = json.JSONDecoder(object_pairs_hook=_distinct)


def _value(text: str, start: int) -> tuple[Any, int] | None:
    """The JSON value at ``start`` and where it ends; ``None`` if there is none."""
    try:
        return _decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _is_unfinished(line: str) -> bool:
    """Whether ``line`` is no JSON only because it ends too early."""
    try:
        _decoder.raw_decode(line)
    except json.JSONDecodeError as error:
        return error.pos >= len(line)
    except (ValueError, RecursionError):
        return False
    return False


def _after_space(text: str, start: int) -> int:
    match = _SPACE.match(text, start)
    assert match is not None
    return match.end()


def _after(text: str, start: int) -> int:
    """Where the text goes on after an object that ends at ``start``: behind blanks and a comma, on the same line."""
    match = _BETWEEN.match(text, start)
    assert match is not None
    return match.end()
