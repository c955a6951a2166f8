"""The settings page: account data, the time zone, bearer tokens for programs, destinations."""

from __future__ import annotations

from typing import Any

from ppl.credentials import new_secret, secret_hash
from ppl.model import Clock
from ppl.store.interface import Store
from ppl.throttle import Rate, Throttle
from ppl.timezone import local_text, parse_time_zone
from ppl.web.answers import Answer, NotFound, found, see_other, spend
from ppl.web.destinations import destination_fields
from ppl.web.forms import WrongField, label_of, time_zone_of
from ppl.web.pages import Pages, time_zone_names
from ppl.web.sessions import Login, SessionEnded
from ppl.web.visit import Visit

_MOST_TOKENS = 100
_TOKENS_OF_ACCOUNT = Rate(burst=30, seconds=10)


class SettingsPage:
    """Handlers of ``/settings`` and the forms on it; all need a login."""

    def __init__(self, store: Store, pages: Pages, clock: Clock, session_ended: SessionEnded) -> None:
        self._store = store
        self._session_ended = session_ended
        self._pages = pages
        self._creations = Throttle(_TOKENS_OF_ACCOUNT, clock)

    async def show(self, visit: Visit, login: Login) -> Answer:
        """``GET /settings``."""
        return await self._page(visit, login)

    async def back(self, visit: Visit, login: Login) -> Answer:
        """``GET`` of where a form was sent, as a reload by the address bar does."""
        return found("/settings")

    async def change_time_zone(self, visit: Visit, login: Login) -> Answer:
        """``POST /settings/time-zone``."""
        form = visit.form()
        try:
            time_zone = time_zone_of(form)
        except WrongField as error:
            return await self._page(visit, login, 400, error=error, time_zone=form.get("timeZone", ""))
        await self._store.set_time_zone(login.account.id, time_zone)
        return see_other("/settings")

    async def create_token(self, visit: Visit, login: Login) -> Answer:
        """``POST /settings/tokens``: the one answer that shows the secret."""
        form = visit.form()
        try:
            label = label_of(form)
            if len(await self._store.sessions_of(login.account.id, "token")) >= _MOST_TOKENS:
                raise WrongField("label", f"An account has at most {_MOST_TOKENS} tokens: revoke one first.")
        except WrongField as error:
            return await self._page(visit, login, 400, error=error, label=form.get("label", ""))
        spend(self._creations, str(login.account.id))
        secret = new_secret()
        await self._store.create_session(login.account.id, secret_hash(secret), "token", label, None)
        return await self._page(visit, login, new_token=secret)

    async def delete_token(self, visit: Visit, login: Login, token_id: str) -> Answer:
        """``POST /settings/tokens/<id>/delete``: of this account's tokens only."""
        own = await self._store.sessions_of(login.account.id, "token")
        if int(token_id) not in {session.id for session in own}:
            raise NotFound("There is no such token.")
        await self._store.delete_session(login.account.id, int(token_id))
        self._session_ended(login.account.id)
        return see_other("/settings")

    async def _page(
        self,
        visit: Visit,
        login: Login,
        status: int = 200,
        *,
        error: WrongField | None = None,
        new_token: str | None = None,
        **typed: str,
    ) -> Answer:
        account = login.account
        zone = parse_time_zone(account.time_zone)
        tokens: list[dict[str, Any]] = [
            {"id": session.id, "label": session.label, "created_at": local_text(session.created_at, zone)}
            for session in await self._store.sessions_of(account.id, "token")
        ]
        readable = await self._store.destinations_of(account.id)
        return self._pages.page(
            "settings.html",
            visit,
            login,
            status,
            error=error,
            new_token=new_token,
            time_zone=typed.get("time_zone", account.time_zone),
            label=typed.get("label", ""),
            time_zones=time_zone_names(),
            tokens=tokens,
            destinations=[destination_fields(destination, role) for destination, role in readable],
        )
