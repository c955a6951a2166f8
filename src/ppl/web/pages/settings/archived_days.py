"""Archived days as pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from ppl.model import Destination

#: Days that the settings page shows of each destination.
NEWEST_DAYS = 5


def archives_address(destination: Destination) -> str:
    """The page of all its archived days."""
    return "/settings/archives?" + urlencode({"user_id": destination.user_id})


def archive_fields(day: dict[str, Any], destination: Destination) -> dict[str, Any]:
    """What pages show of an archived day."""
    query = urlencode({"user_id": destination.user_id})
    return {**day, "address": f"/api/archives/{day['date']}?{query}", "size": size_text(day["bytes"])}


def newest_archives(destination: Destination, days: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the settings page shows of the ``days`` of a destination."""
    return {
        "user_id": destination.user_id,
        "address": archives_address(destination),
        "count": len(days),
        "newest": [archive_fields(day, destination) for day in days[:NEWEST_DAYS]],
    }


def size_text(length: int) -> str:
    """``length`` bytes for people, in powers of 1,000: ``1.4 MB``."""
    size = float(length)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
