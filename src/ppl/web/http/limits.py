"""The site's own limits that no option sets: what :func:`ppl.web.site.make_site` hands to its parts."""

from __future__ import annotations

import attrs

from ppl.access.throttle import Rate
from ppl.http.refusals import LINES_OF_ADDRESS

_STRANGERS = Rate(burst=1000, seconds=0.01)


@attrs.frozen
class SiteLimits:
    """How much a visitor, a login or an answer may take.

    Attributes:
        strangers: requests of one address that show no login; a browser that keeps nothing asks some fifty times for a
            page.
        refusals: refused requests of one address that have a line of their own in the access log.
        sessions: browsers that an account may be logged in with; the oldest session ends for one more.
        search_seconds: after which a search of the API answers with what it has.
        export_events: events that an export reads and sends at a time.
    """

    strangers: Rate = _STRANGERS
    refusals: Rate = LINES_OF_ADDRESS
    sessions: int = 50
    search_seconds: float = 5.0
    export_events: int = 1_000
