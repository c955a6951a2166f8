"""Retention of a destination: reads the form, and prepares the values for the settings page."""

from __future__ import annotations

from typing import Any

from ppl.model import DAY, Destination, Role
from ppl.timezone import local_text, parse_time_zone
from ppl.web.http.forms import WrongField

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


def keeping_fields(destination: Destination, role: Role, zone: str, default_days: int | None) -> dict[str, Any]:
    """The values that the page shows for the retention of one destination."""
    days = destination.retention_days or default_days
    closed = destination.closed_at
    return {
        "id": destination.id,
        "user_id": destination.user_id,
        "is_owner": role == "owner",
        "days": destination.retention_days or "",
        "kept": _for_days(days),
        "default": _for_days(default_days),
        "closed_on": None if closed is None else local_text(closed, parse_time_zone(zone)),
        "ends_on": None if closed is None or days is None else local_text(closed + days * DAY, parse_time_zone(zone)),
    }


def _for_days(days: int | None) -> str:
    if days is None:
        return "for ever"
    return "for 1 day" if days == 1 else f"for {days} days"
