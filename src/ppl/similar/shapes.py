"""The shape of a line: its message with a placeholder, ``…``, for each part that varies from line to line.

Words stay. These become placeholders: numbers with their sign and decimals (units stay: ``12ms`` is ``…ms``), times
and dates, IP and MAC addresses with ports, UUIDs, hexadecimal and other identifiers that mix letters and digits, e-mail
addresses, and quoted text. JSON keys stay, and so do the words of JSON values that say what happened (``"msg"``,
``"level"`` and the like). A list of placeholders becomes one placeholder.

A :class:`Shaper` takes thousands of lines in one call, at two or three µs each: lines that differ only in digits are
shaped once, each word is looked at once, and everything else is done for many lines at a time by functions in C. One
regular expression over each line takes three times as long.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

#: The mark for each part that varies.
PLACEHOLDER = "…"

#: Most bytes of a shape; lines that differ only beyond them are similar.
MOST_BYTES = 400

# Bytes that never occur in UTF-8. They stand for: a part that varies; a list of these; the end of a key in JSON, and in
# Ruby; a quote around words that stay; a colon that begins a quoted text; a backslash and the end of a line within the
# message; the place where a long message was cut.
VARIES, LIST, KEY, ARROW, QUOTE, COLON = b"\xff", b"\xf8", b"\xfc", b"\xfb", b"\xf9", b"\xf7"
BACKSLASH, NEWLINE, CUT = b"\xfe", b"\xfd", b"\xfa"

_WRITTEN = (
    (VARIES, PLACEHOLDER.encode()),
    (LIST, PLACEHOLDER.encode()),
    (CUT, PLACEHOLDER.encode()),
    (KEY, b'":'),
    (ARROW, b'"=>'),
    (QUOTE, b'"'),
    (COLON, b":"),
    (BACKSLASH, b"\\"),
    (NEWLINE, b"\n"),
)

_DIGITS = bytes.maketrans(b"123456789", b"000000000")

#: Keys of JSON whose values say what happened, as loggers name them.
_TELLING = rb"msg|message|event|error|err|level|severity|lvl|logger|exception"
_TOLD = re.compile(rb'"((?:%s)\xfc ?)"((?:[^"\n\xfc\xfb\xfe]|\xfe.)*+)"' % _TELLING)
_QUOTED = re.compile(rb'"(?:[^"\n\xfc\xfb\xfe\xfa]|\xfe.)*+(?:"|(?=\xfa))')
# An apostrophe within a word does not open a quotation.
_SINGLE = re.compile(rb"'(?<![0A-Za-z_\xff]')[^'\n]*+'(?![0A-Za-z_\xff])")
_MAIL = re.compile(rb"[\w.+-]*[\w+-]@[\w-]+(?:\.[\w-]+)+", re.ASCII)

#: Finds the varying parts of words without blanks, one per line, in which every digit is a 0. The first two conditions
#: rule out most positions.
_VARYING = rb"""
    (?<![0<letter>])(?=[<letter>:_+-]*0)(?:
      (?<=-)(?=[a-z]*0)[0a-z]{6,10}-<safe>{5}(?![0<letter>])                     # the end of a Kubernetes pod's name
    | <hex>{8}-<hex>{4}-<hex>{4}-<hex>{4}-<hex>{12}(?![0<letter>])               # a UUID
    | <hex>{2}(?:[:-]<hex>{2}){5,}(?![0<letter>])                                # a MAC address
    | 0+x<hex>+(?![0<letter>])
    | (?=[a-fA-F]*0)(?=0*[a-fA-F])<hex>{6,}(?![0<letter>])                       # hexadecimal
    | (?:[<letter>]+0+){2}[<letter>]+[0<letter>]*+                               # k0z0q is no word, however short
    | (?:0+[<letter>]+){2}0+[0<letter>]*+
    | (?=[0<letter>]{8})(?:(?:[<letter>]+0+){2}|(?:0+[<letter>]+){2})[0<letter>]*+
    | (?<![_+-])(?=[0<letter>_+-]{24})(?=[0<letter>_+-]*[A-Za-z]0+[A-Za-z])(?=[0<letter>_+-]*[a-z])
      (?=[0<letter>_+-]*[A-Z])[0<letter>_+-]+={0,2}                              # base64
    | (?<![:.])(?=[0a-fA-F:]*0)
      (?:(?:<hex>{1,4}:){7}<hex>{1,4}|(?:<hex>{1,4}:)*(?:<hex>{1,4})?::(?:<hex>{1,4}(?::<hex>{1,4})*)?)
      (?:\.0+\.0+\.0+)?(?![0<letter>])                                           # IPv6
    )
  | (?:(?<![0<letter>_.:,)\]}\xff-])[+-])?0+(?:(?:[.,T]|e[+-]?|[/-]<month>[/:-])0+|[:+-]0++(?![A-SU-Ya-z]))*
"""
#: Words that always vary, and the word that ends a line.
_KNOWN = {b"\n": b"\n"} | {
    name + comma: VARIES
    for name in (b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun").split()
    for comma in (b"", b",")
}
_CLASSES = (
    (b"<month>", rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"),
    (b"<hex>", rb"[0a-fA-F]"),
    (b"<safe>", rb"[bcdfghjklmnpqrstvwxz0]"),
    (b"<letter>", rb"A-Za-z"),
)

_BLANKS = b" \t\r" + NEWLINE

#: Lists of varying parts, looked for only where one of ``_HAS_LISTS`` occurs; then lists of quoted ones.
_LISTS = re.compile(rb"\xff(?:, ?\xff)+")
_HAS_LISTS = (b"\xff, \xff", b"\xff,\xff")
_SHORTER = (
    (b'"\xff", "\xff"', b'"\xff"'),
    (b'"\xff","\xff"', b'"\xff"'),
    (b"'\xff', '\xff'", b"'\xff'"),
    (b"'\xff','\xff'", b"'\xff'"),
    # Blanks that pad a number.
    (b"  \xff", b" \xff"),
    (b"  \xf8", b" \xf8"),
)

#: Most lines and words that are remembered: beyond that all are dropped, so that a million identifiers take no memory.
_MOST_LINES, _MOST_WORDS = 10_000, 20_000


def _compiled(pattern: bytes) -> re.Pattern[bytes]:
    for name, written in _CLASSES:
        pattern = pattern.replace(name, written)
    return re.compile(pattern, re.VERBOSE | re.MULTILINE)


_WORD = _compiled(_VARYING)


class Shaper:
    """Shapes lines, and remembers recent lines and words."""

    def __init__(self) -> None:
        self._lines: dict[bytes, bytes] = {}
        self._words = dict(_KNOWN)

    def shapes(self, lines: Sequence[bytes]) -> list[bytes]:
        """The shape of each of ``lines``, for :func:`readable` and :func:`ppl.similar.queries.grouping_query`.

        Args:
            lines: UTF-8, with :data:`NEWLINE` and :data:`BACKSLASH` in place of these characters, and :data:`CUT` at
                the end of a line that was cut.
        """
        if not lines:
            return []
        alike = b"\n".join(lines).translate(_DIGITS).split(b"\n")
        unknown = list(set(alike).difference(self._lines))
        if unknown:
            self._lines.update(zip(unknown, self._shaped(unknown), strict=True))
        shapes = list(map(self._lines.__getitem__, alike))
        if len(self._lines) > _MOST_LINES:
            self._lines.clear()
        return shapes

    def _shaped(self, lines: Sequence[bytes]) -> list[bytes]:
        text = _without_quoted(b"\n%b\n" % b"\n".join(lines).replace(PLACEHOLDER.encode(), VARIES))
        words = text.replace(b"\n", b" \n ").split(b" ")
        unknown = list(set(words).difference(self._words))
        if unknown:
            self._words.update(zip(unknown, _WORD.sub(VARIES, b"\n".join(unknown)).split(b"\n"), strict=True))
        text = b" ".join(map(self._words.__getitem__, words))
        if len(self._words) > _MOST_WORDS:
            self._words = dict(_KNOWN)
        if any(each in text for each in _HAS_LISTS):
            text = _LISTS.sub(LIST, text)
        for long, short in _SHORTER:
            while long in text:
                text = text.replace(long, short)
        # Blanks at the end make no difference, except in a line of only blanks, which would look like an empty line.
        return [(each.rstrip(_BLANKS) or each)[:MOST_BYTES] for each in text.split(b" \n ")[1:-1]]


def _without_quoted(text: bytes) -> bytes:
    if b'"' in text:
        text = text.replace(b'":', KEY).replace(b'"=>', ARROW)
        if KEY in text:
            # A value that begins with a colon was taken for the end of a key.
            for blank in (b"", b" "):
                text = text.replace(KEY + blank + KEY, KEY + blank + b'"' + COLON)
            text = _without_telling_quotes(text)
        text = _QUOTED.sub(b'"%b"' % VARIES, text)
    if b"'" in text:
        text = _SINGLE.sub(b"'%b'" % VARIES, text)
    if b"@" in text:
        text = _MAIL.sub(VARIES, text)
    return text


def _without_telling_quotes(text: bytes) -> bytes:
    """Mark the quotes around values that say what happened, so that their words are treated like any others."""
    # The parts are the text before, a key, its value, the text before, …; sub() with a template takes twice as long.
    parts = _TOLD.split(text)
    parts[1::3] = [
        QUOTE + key.replace(b" ", b" " + QUOTE) if b" " in key else QUOTE + key + QUOTE for key in parts[1::3]
    ]
    parts[2::3] = [value + QUOTE for value in parts[2::3]]
    return b"".join(parts)


def readable(shape: bytes) -> str:
    """``shape`` as text for people, with :data:`PLACEHOLDER` for each part that varies."""
    for mark, written in _WRITTEN:
        shape = shape.replace(mark, written)
    # The shape may have been cut within a character.
    return shape.decode("utf-8", "ignore")


def line_of(message: str) -> bytes:
    """``message`` as :meth:`Shaper.shapes` takes it."""
    return message.encode("utf-8").replace(b"\\", BACKSLASH).replace(b"\n", NEWLINE)
