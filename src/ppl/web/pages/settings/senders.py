"""Restrictions on senders (networks, tokens, certificates, quotas): reads the forms, prepares values for the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from typing import Any

import attrs

from ppl.access.networks import BadNetwork, parse_networks
from ppl.access.quota import MOST_BYTES_PER_DAY, MOST_LINES_PER_SECOND, Quota, in_words
from ppl.model import Destination, Role
from ppl.store.interface import SenderToken
from ppl.timezone import local_text
from ppl.web.http.forms import WrongField
from ppl.web.pages.certificate_snippets import certificate_snippets
from ppl.web.pages.settings.client_certificates import shown_certificates
from ppl.web.pages.token_snippets import token_snippets

#: Most sender tokens of a destination: two while senders change from the old to the new, and a forgotten one.
MOST_TOKENS = 3

_MEGABYTE = 1_000_000


@attrs.frozen
class Restricting:
    """The outcome of one of the section's forms.

    Attributes:
        destination_id: the destination whose form was sent.
        error: the error, if a field was wrong.
        typed: the form's fields, by name.
        waits: whether the change is saved but no listener has confirmed it yet.
        new_token: a token that was just made, shown only this once.
    """

    destination_id: int
    error: WrongField | None = None
    typed: dict[str, str] = attrs.Factory(dict)
    waits: bool = False
    new_token: str | None = attrs.field(default=None, repr=False)


def networks_of(form: dict[str, str]) -> tuple[str, ...]:
    """The field ``networks``, each network once.

    Raises:
        WrongField: one is not a network, or there are too many.
    """
    try:
        return parse_networks(form.get("networks", ""))
    except BadNetwork as error:
        raise WrongField("networks", str(error)) from error


def quota_typed(form: dict[str, str], most: Quota) -> Quota:
    """The fields ``lines_per_second`` and ``megabytes_per_day``; if one is empty, the operator's limit applies.

    Raises:
        WrongField: one is not a whole number, or more than the operator allows.
    """
    lines = _number(form, "lines_per_second", 1, most.lines_per_second, MOST_LINES_PER_SECOND)
    size = _number(form, "megabytes_per_day", _MEGABYTE, most.bytes_per_day, MOST_BYTES_PER_DAY)
    return Quota(lines, size)


def _number(form: dict[str, str], field: str, unit: int, most: int | None, limit: int) -> int | None:
    text = form.get(field, "").strip().replace(",", "")
    if not text:
        return None
    largest = (limit if most is None else most) // unit
    if not (text.isascii() and text.isdigit() and len(text) <= 15 and 1 <= int(text) <= largest):
        bound = ", the most that this installation allows" if most is not None else ""
        raise WrongField(field, f"Give a whole number from 1 to {largest:,}{bound}, or leave it empty.")
    return int(text) * unit


def restricting_fields(
    destination: Destination,
    role: Role,
    came: Restricting | None,
    most: Quota,
    tokens: Sequence[SenderToken],
    zone: tzinfo,
) -> dict[str, Any]:
    """The values that the page shows for one destination.

    Args:
        destination: the destination.
        role: the account's role there.
        came: the outcome of the form that was just sent, if any.
        most: the operator's quota.
        tokens: the sender tokens of all destinations.
        zone: the reader's time zone.
    """
    size = destination.max_bytes_per_day or 0
    mine = came if came is not None and came.destination_id == destination.id else Restricting(destination.id)
    return {
        "id": destination.id,
        "user_id": destination.user_id,
        "is_owner": role == "owner",
        "error": mine.error,
        "waits": mine.waits,
        "networks": mine.typed.get("networks", "\n".join(destination.networks)),
        "lines_per_second": mine.typed.get("lines_per_second", destination.max_lines_per_second or ""),
        "megabytes_per_day": mine.typed.get("megabytes_per_day", size // _MEGABYTE or ""),
        "most": [each or "no quota" for each in in_words(most)],
        "tokens": [
            {"id": each.id, "created_at": local_text(each.created_at, zone)}
            for each in tokens
            if each.destination_id == destination.id
        ],
        "most_tokens": MOST_TOKENS,
        "new_token": mine.new_token,
        "snippets": token_snippets(destination, mine.new_token) if mine.new_token else [],
        "certificates": mine.typed.get("certificates", destination.client_certificates),
        "shown_certificates": shown_certificates(destination.client_certificates) if role == "owner" else [],
        "certificate_snippets": certificate_snippets(destination),
        "restrictions": _in_words(destination),
    }


def _in_words(destination: Destination) -> list[str]:
    """The restrictions of a destination in words, for accounts that may not see details."""
    words = [
        ("addresses in certain networks only", destination.networks),
        ("senders that know its token only", destination.token_hashes),
        ("senders with a client certificate only", destination.client_certificates),
    ]
    return [words for words, holds in words if holds]
