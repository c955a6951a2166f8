"""Small API requests, for programs and the viewer's own script: the account, the version, and sending a test line."""

from __future__ import annotations

from ppl.access.destinations import access_of
from ppl.model import Account
from ppl.store.interface import PeopleStore
from ppl.version import version
from ppl.web.api.test_line import SampleLines
from ppl.web.http.answers import Answer, BadRequest, json_answer
from ppl.web.http.destinations import destination_fields
from ppl.web.http.routing import Route, for_account, for_login
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit


class Api:
    """Handlers of ``/api/me``, ``/api/test-line`` and ``/api/version``."""

    def __init__(self, store: PeopleStore, lines: SampleLines) -> None:
        self._store, self._lines = store, lines

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_account("/api/me", self.who_am_i),
            for_login("POST", "/api/test-line", self.send_test_line),
            for_login("GET", "/api/version", self.version),
        )

    async def who_am_i(self, visit: Visit, account: Account) -> Answer:
        """``GET /api/me``, with the cookie or a bearer token: the account and its destinations."""
        access = await access_of(self._store, account.id)
        return json_answer(
            {
                "email": account.email,
                "timeZone": account.time_zone,
                "destinations": [destination_fields(destination, role) for destination, role in access],
            }
        )

    async def send_test_line(self, visit: Visit, login: Login) -> Answer:
        """``POST /api/test-line`` with ``user_id``: send one line over the network, as a sender would."""
        user_id = visit.form().get("user_id", "")
        if not user_id:
            raise BadRequest("Give the user_id that the line is for.")
        access = await access_of(self._store, login.account.id)
        chosen = access.named(user_id)
        line = await self._lines.send(login.account, chosen)
        return json_answer({"user_id": chosen.user_id, "line": line})

    async def version(self, visit: Visit, login: Login) -> Answer:
        """``GET /api/version``: the version of this Ppl."""
        return json_answer({"version": version()})
