"""Retention of a destination: reads the form, and prepares the values for the settings page."""

from __future__ import annotations

from typing import Any

from ppl.model import DAY, Destination, Role
from ppl.timezone import local_text, parse_time_zone
from ppl.web.http.forms import WrongField
from ppl.web.pages.figures import kept_text

MOST_DAYS = 36_500


def days_of(form: dict[str, str]) -> int | None:
    """The field ``days``; ``None`` if it is empty.

    Raises:
        WrongField: it is not a number of days, or too large.
    """
    text = form.get("days", "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= MOST_DAYS):
        raise WrongField("days", f"Give a number of days from 1 to {MOST_DAYS:,}, or leave it empty.")
    return int(text)


def keeping_fields(
    destination: Destination, role: Role, zone: str, default_days: int | None, has_limits: bool
) -> dict[str, Any]:
    """The values that the page shows for the retention of one destination.

    Args:
        destination: the destination.
        role: of the account that sees the page.
        zone: the time zone of times.
        default_days: the retention of the installation, in days; ``None``: for ever.
        has_limits: whether the oldest events go when room is short.
    """
    days = destination.retention_days or default_days
    closed = destination.closed_at
    return {
        "id": destination.id,
        "user_id": destination.user_id,
        "is_owner": role == "owner",
        "days": destination.retention_days or "",
        "kept": kept_text(days, has_limits),
        "default": kept_text(default_days, has_limits),
        "closed_on": None if closed is None else local_text(closed, parse_time_zone(zone)),
        "ends_on": None if closed is None or days is None else local_text(closed + days * DAY, parse_time_zone(zone)),
    }
