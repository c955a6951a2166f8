"""The token that lines must carry where a destination asks for one: found, checked and taken out of each line.

It stands in STRUCTURED-DATA as an element without parameters, ``[TOKEN@41058]``, as remote_syslog2 writes it, or it is
the first word of the message or of the whole line. Nothing here runs for a destination without a token.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import tzinfo

import attrs

from ppl.access.secrets import SENDER_WORD, secret_hash
from ppl.model import Lines, Row
from ppl.sources.line import ELEMENTS, parse_line

#: So many lines in a row without the token end a connection.
MOST_WRONG = 100

#: Stands for the token where it occurs in the rest of a line.
MASK = "[token]"

_ELEMENT = re.compile(ELEMENTS.removesuffix("+"))
_OWN_ELEMENT = re.compile(rf"\[({SENDER_WORD})@41058\]")
_FIRST_WORD = re.compile(rf"({SENDER_WORD})(?: |\Z)")


@attrs.define
class Strikes:
    """How many lines in a row, up to the last, a connection has sent without the token."""

    in_a_row: int = 0

    def count(self, lines: int, wrong: Sequence[int]) -> None:
        """A read brought ``lines``, of which those at ascending positions ``wrong`` were without it."""
        trailing = 0
        for position in reversed(wrong):
            if position != lines - 1 - trailing:
                break
            trailing += 1
        self.in_a_row = self.in_a_row + lines if trailing == lines else trailing

    @property
    def is_out(self) -> bool:
        """Whether the connection ends."""
        return self.in_a_row >= MOST_WRONG


class TokenCheck:
    """Of one destination.

    Args:
        hashes: of the tokens that are valid, as :func:`~ppl.access.secrets.secret_hash` makes them.
    """

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = tuple(hashes)

    def screen(self, lines: Lines, received_at: int, zone: tzinfo) -> tuple[Lines, Sequence[int]]:
        """The lines that carry a token, without it, and the positions of the others.

        Args:
            lines: as they were parsed.
            received_at, zone: for what follows a token at the very beginning, which is parsed anew.
        """
        kept: list[Row] = []
        wrong: list[int] = []
        for position, row in enumerate(lines.rows()):
            without = self._without_token(row, received_at, zone)
            if without is None:
                wrong.append(position)
            else:
                kept.append(without)
        if not wrong and not kept:
            return lines, wrong
        return Lines.of_rows(kept), wrong

    def _without_token(self, row: Row, received_at: int, zone: tzinfo) -> Row | None:
        *header, data, message = row
        token = None
        if "@41058]" in data:
            elements = _ELEMENT.findall(data)
            others = []
            for element in elements:
                own = _OWN_ELEMENT.fullmatch(element)
                if own and self._is_valid(own[1]):
                    token = own[1]
                else:
                    others.append(element)
            data = "".join(others)
        first = _FIRST_WORD.match(message)
        if first and self._is_valid(first[1]):
            message = message[first.end() :]
            if token is None and not any(header[3:]) and not data and header[0] is None:
                # It stood before what the parser looks for.
                *header, data, message = _parsed_anew(header, message, received_at, zone)
            token = first[1]
        if token is None:
            return None
        return tuple(  # type: ignore[return-value]
            each.replace(token, MASK) if isinstance(each, str) else each for each in (*header, data, message)
        )

    def _is_valid(self, token: str) -> bool:
        """Whether it is one of the tokens; takes as long whichever it is."""
        found = False
        given = secret_hash(token)
        for known in self._hashes:
            found |= hmac.compare_digest(given, known)
        return found


def _parsed_anew(header: Sequence[object], rest: str, received_at: int, zone: tzinfo) -> Row:
    _, facility, severity, *_ = header
    if isinstance(facility, int) and isinstance(severity, int):
        rest = f"<{facility * 8 + severity}>{rest}"
    return parse_line(rest, received_at, zone)
