"""Checks the sender token that a destination may require in each line, and removes it from the line.

A token stands in STRUCTURED-DATA as an element without parameters, ``[TOKEN@41058]``, as remote_syslog2 writes it, or
is the first word of the message or of the whole line. Nothing here runs for a destination without a token.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from datetime import tzinfo

import attrs

from ppl.access.secrets import SENDER_WORD, secret_hash
from ppl.model import Lines, Row
from ppl.sources.line import ELEMENT, parse_line

#: Lines in a row without the token after which a connection is closed.
MOST_WRONG = 100

#: Replaces the token where it occurs in the rest of a line.
MASK = "[token]"

_ELEMENT = re.compile(ELEMENT)
_OWN_ELEMENT = re.compile(rf"\[({SENDER_WORD})@41058\]")
_FIRST_WORD = re.compile(rf"({SENDER_WORD})(?: |\Z)")


@attrs.define
class Strikes:
    """Counts how many of a connection's latest lines, in a row, lacked the token."""

    in_a_row: int = 0

    def count(self, lines: int, wrong: Sequence[int]) -> None:
        """Count a read of ``lines`` lines; those at the ascending positions ``wrong`` lacked the token."""
        trailing = 0
        for position in reversed(wrong):
            if position != lines - 1 - trailing:
                break
            trailing += 1
        self.in_a_row = self.in_a_row + lines if trailing == lines else trailing

    @property
    def is_out(self) -> bool:
        """Whether the connection must be closed."""
        return self.in_a_row >= MOST_WRONG


class TokenCheck:
    """Checks the lines of one destination for its tokens.

    Args:
        hashes: hashes of the valid tokens, from :func:`~ppl.access.secrets.secret_hash`.
    """

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = tuple(hashes)

    def screen(self, lines: Lines, received_at: int, zone: tzinfo) -> tuple[Lines, Sequence[int]]:
        """The lines that carry a token, with it removed, and the positions of the other lines.

        Args:
            lines: the parsed lines.
            received_at, zone: for a line that begins with the token; what follows is parsed anew.
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
                # The token stood before the header, where the parser could not find it.
                *header, data, message = _parsed_anew(header, message, received_at, zone)
            token = first[1]
        if token is None:
            return None
        return tuple(  # type: ignore[return-value]
            each.replace(token, MASK) if isinstance(each, str) else each for each in (*header, data, message)
        )

    def _is_valid(self, token: str) -> bool:
        """Whether ``token`` is valid; takes equally long whichever token it matches."""
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
