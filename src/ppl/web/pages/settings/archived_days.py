"""Archived days as the settings page and the archives page show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from ppl.model import Destination
from ppl.web.pages.figures import bytes_text

#: How many archived days of each destination the settings page shows.
NEWEST_DAYS = 5


def archives_address(destination: Destination) -> str:
    """The address of the page with all archived days of ``destination``."""
    return "/settings/archives?" + urlencode({"user_id": destination.user_id})


def archive_fields(day: dict[str, Any], destination: Destination) -> dict[str, Any]:
    """The values that pages show for an archived ``day``, given in the form of the API's JSON."""
    query = urlencode({"user_id": destination.user_id})
    return {**day, "address": f"/api/archives/{day['date']}?{query}", "size": bytes_text(day["bytes"])}


def newest_archives(destination: Destination, days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The values that the settings page shows for a destination's archived ``days``."""
    return {
        "user_id": destination.user_id,
        "address": archives_address(destination),
        "count": len(days),
        "newest": [archive_fields(day, destination) for day in days[:NEWEST_DAYS]],
    }
