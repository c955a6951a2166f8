"""What programs (and the viewer page's own script) ask over HTTP: who am I, send a test line, are you well."""

from __future__ import annotations

from ppl.credentials import authenticate
from ppl.model import Clock
from ppl.store.interface import Store
from ppl.throttle import Rate, Throttle
from ppl.web.answers import Answer, BadRequest, Forbidden, NotLoggedIn, Unavailable, json_answer, spend
from ppl.web.destinations import destination_fields
from ppl.web.sampling import SampleSender, Unreachable
from ppl.web.sessions import Login
from ppl.web.visit import Visit

_LINES_OF_ACCOUNT = Rate(burst=5, seconds=5)


class Api:
    """Handlers that answer programs."""

    def __init__(self, store: Store, sender: SampleSender, clock: Clock) -> None:
        self._store = store
        self._sender = sender
        self._lines = Throttle(_LINES_OF_ACCOUNT, clock)

    async def who_am_i(self, visit: Visit, login: Login | None) -> Answer:
        """``GET /api/me``, with the cookie or a bearer token."""
        authorization = visit.header("authorization")
        account = login.account if login else None
        if authorization is not None:
            account = await authenticate(self._store, visit.header("cookie"), authorization)
        if account is None:
            raise NotLoggedIn
        readable = await self._store.destinations_of(account.id)
        return json_answer(
            {
                "email": account.email,
                "timeZone": account.time_zone,
                "destinations": [destination_fields(destination, role) for destination, role in readable],
            }
        )

    async def send_test_line(self, visit: Visit, login: Login) -> Answer:
        """``POST /api/test-line`` with ``user_id``: one line by the way that every sender's lines take."""
        user_id = visit.form().get("user_id", "")
        if not user_id:
            raise BadRequest("Say which user_id the line is for.")
        readable = await self._store.destinations_of(login.account.id)
        chosen = next((destination for destination, _ in readable if destination.user_id == user_id), None)
        if chosen is None:
            raise Forbidden("This user_id is not yours to send to.")
        spend(self._lines, str(login.account.id))
        try:
            line = await self._sender.send(chosen)
        except Unreachable as error:
            raise Unavailable(str(error), error.code) from error
        return json_answer({"user_id": user_id, "line": line})

    async def health(self, visit: Visit, login: Login | None) -> Answer:
        """``GET /healthz``: ``ok`` when the store answers; otherwise its failure is the answer (503)."""
        await self._store.count_accounts()
        return Answer(200, b"ok", "text/plain; charset=utf-8")
