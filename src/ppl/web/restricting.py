"""Who may send to a destination and how much, as the settings page shows it and as its forms are read."""

from __future__ import annotations

from typing import Any

import attrs

from ppl.model import Destination, Role
from ppl.networks import BadNetwork, parse_networks
from ppl.web.forms import WrongField


@attrs.frozen
class Restricting:
    """What one of the section's forms came to.

    Attributes:
        destination_id: whose form it was.
        error: what was wrong with it.
        typed: its fields, by name.
        waits: whether it is saved and no listener has confirmed it yet.
    """

    destination_id: int
    error: WrongField | None = None
    typed: dict[str, str] = attrs.Factory(dict)
    waits: bool = False


def networks_of(form: dict[str, str]) -> tuple[str, ...]:
    """``networks``, each once.

    Raises:
        WrongField: one is none.
    """
    try:
        return parse_networks(form.get("networks", ""))
    except BadNetwork as error:
        raise WrongField("networks", str(error)) from error


def restricting_fields(destination: Destination, role: Role, came: Restricting | None) -> dict[str, Any]:
    """What the page shows of one destination."""
    mine = came if came is not None and came.destination_id == destination.id else Restricting(destination.id)
    return {
        "id": destination.id,
        "user_id": destination.user_id,
        "is_owner": role == "owner",
        "error": mine.error,
        "waits": mine.waits,
        "networks": mine.typed.get("networks", "\n".join(destination.networks)),
        "is_open": not destination.networks,
        "restrictions": _in_words(destination),
    }


def _in_words(destination: Destination) -> list[str]:
    """What restricts its senders, for those who may not see more."""
    return ["addresses of some networks only"] if destination.networks else []
