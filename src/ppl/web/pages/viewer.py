"""The viewer's page, for every address that shows it: ``/`` and the links to events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ppl.access.destinations import Access
from ppl.model import Destination
from ppl.web.api.export import FORMATS
from ppl.web.http.answers import Answer
from ppl.web.http.destinations import destination_fields
from ppl.web.http.rendering import Pages
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.snippets import unfilled


def viewer_page(
    pages: Pages,
    visit: Visit,
    login: Login,
    access: Access,
    columns: Mapping[int, tuple[str, ...]],
    mark: dict[str, Any] | None = None,
) -> Answer:
    """The viewer for ``login``, with the destinations it may read.

    Args:
        columns: destination id → the columns that the account shows.
        mark: the mark of the event that the viewer opens around.
    """
    destinations = [
        {
            **destination_fields(each, role),
            "transport": each.transport,
            "is_closed": each.is_closed,
            "columns": ",".join(columns.get(each.id, ())),
        }
        for each, role in access
    ]
    return pages.page(
        "viewer.html", visit, login, destinations=destinations, snippets=unfilled(), formats=FORMATS, mark=mark
    )


def event_path(event_id: int, destination: Destination) -> str:
    """The address of the link to an event."""
    return f"/events/{event_id}?{urlencode({'user_id': destination.user_id})}"
