"""The limits of the site that no option sets; :func:`ppl.web.site.make_site` passes them to the site's parts."""

from __future__ import annotations

import attrs

from ppl.access.throttle import Rate
from ppl.http.refusals import LINES_OF_ADDRESS

_STRANGERS = Rate(burst=1000, seconds=0.01)


@attrs.frozen
class SiteLimits:
    """Limits on clients, logins and responses.

    Attributes:
        strangers: the rate at which one address may send requests without a login; a page takes about fifty requests in
            a browser that caches nothing.
        refusals: the rate up to which each refused request from one address gets a line in the access log.
        sessions: the most browser sessions of one account; one more login ends the oldest.
        search_seconds: seconds after which a search through the API returns what it has found so far.
        export_events: how many events an export reads and sends at a time.
    """

    strangers: Rate = _STRANGERS
    refusals: Rate = LINES_OF_ADDRESS
    sessions: int = 50
    search_seconds: float = 5.0
    export_events: int = 1_000
