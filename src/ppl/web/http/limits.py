"""The site's limits that no option sets; :func:`ppl.web.site.make_site` passes them to the site's parts."""

from __future__ import annotations

import attrs

from ppl.access.throttle import Rate
from ppl.http.refusals import LINES_OF_ADDRESS

_STRANGERS = Rate(burst=1000, seconds=0.01)


@attrs.frozen
class SiteLimits:
    """Limits on clients, logins and responses.

    Attributes:
        strangers: the rate of requests without a login from one address; a browser that caches nothing sends some fifty
            requests for a page.
        refusals: the rate of refused requests from one address that get a line each in the access log.
        sessions: how many browsers an account may be logged in with; one more login ends the oldest session.
        search_seconds: seconds after which a search through the API returns what it has found so far.
        export_events: how many events an export reads and sends at a time.
    """

    strangers: Rate = _STRANGERS
    refusals: Rate = LINES_OF_ADDRESS
    sessions: int = 50
    search_seconds: float = 5.0
    export_events: int = 1_000
