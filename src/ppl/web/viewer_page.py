"""The viewer's page, as every address that leads to it shows it."""

from __future__ import annotations

from collections.abc import Sequence

from ppl.model import Destination, Role
from ppl.web.answers import Answer
from ppl.web.destinations import destination_fields
from ppl.web.exporting import FORMATS
from ppl.web.pages import Pages
from ppl.web.sessions import Login
from ppl.web.snippets import unfilled
from ppl.web.visit import Visit


def viewer_page(pages: Pages, visit: Visit, login: Login, readable: Sequence[tuple[Destination, Role]]) -> Answer:
    """The viewer of ``login``, over the destinations that it may read."""
    destinations = [
        {**destination_fields(each, role), "transport": each.transport, "is_closed": each.is_closed}
        for each, role in readable
    ]
    return pages.page("viewer.html", visit, login, destinations=destinations, snippets=unfilled(), formats=FORMATS)
