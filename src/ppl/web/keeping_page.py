"""How long events are kept, and the end of a destination, on the settings page: its owner decides."""

from __future__ import annotations

from ppl.model import Destination
from ppl.store.interface import Store
from ppl.web.answers import Answer, Forbidden, NotFound, see_other
from ppl.web.destinations import PortOpener
from ppl.web.forms import WrongField
from ppl.web.keeping import days_of
from ppl.web.sessions import Login
from ppl.web.settings_page import SettingsPage
from ppl.web.visit import Visit


class KeepingPage:
    """Handlers of ``/settings/destinations/<id>/retention`` and ``…/close``; all need a login."""

    def __init__(self, store: Store, settings_page: SettingsPage, listeners: PortOpener) -> None:
        self._store, self._settings_page, self._listeners = store, settings_page, listeners

    async def change_retention(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/retention`` with ``days``; empty: as the installation says."""
        destination = await self._owned(login, int(destination_id))
        try:
            days = days_of(visit.form())
        except WrongField as error:
            return await self._settings_page.page(visit, login, 400, error=error)
        await self._store.set_retention(login.account.id, destination.id, days)
        return see_other("/settings")

    async def close(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/close`` with ``confirm``, the destination's ``user_id``: it receives nothing any more."""
        destination = await self._owned(login, int(destination_id))
        if visit.form().get("confirm", "").strip() != destination.user_id:
            error = WrongField("confirm", f"Type {destination.user_id} to close it for good.")
            return await self._settings_page.page(visit, login, 400, error=error)
        await self._store.close_destination(login.account.id, destination.id)
        self._listeners.close(destination)
        return see_other("/settings")

    async def _owned(self, login: Login, destination_id: int) -> Destination:
        for destination, role in await self._store.destinations_of(login.account.id):
            if destination.id == destination_id:
                if role != "owner":
                    raise Forbidden("Only the owner of a destination decides how long its events are kept.")
                return destination
        raise NotFound("There is no such destination.")
