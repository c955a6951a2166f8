"""The forms of the settings page that create a destination, close it, and set how long its events are kept."""

from __future__ import annotations

from twisted.logger import Logger

from ppl.access.destinations import access_of
from ppl.access.throttle import Rate, Throttle
from ppl.errors import TooManyDestinations
from ppl.model import Clock, Destination
from ppl.options import Settings
from ppl.services.listening import is_port_taken
from ppl.store.interface import PeopleStore
from ppl.web.http.answers import Answer, see_other, spend
from ppl.web.http.destinations import PortOpener, is_opened, needing_a_port
from ppl.web.http.forms import WrongField
from ppl.web.http.routing import NUMBER, Route, form_on
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.settings.page import SettingsPage
from ppl.web.pages.settings.retention import days_of

#: Limit on creating, since a closed destination stays in the store until the retention of its events ends.
_NEW_OF_ACCOUNT = Rate(burst=10, seconds=60)


class KeepingPage:
    """Handlers of ``/settings/destinations``, and of ``…/<id>/retention`` and ``…/<id>/close``; all need a login.

    Args:
        store: keeps the destinations.
        settings_page: shows the destinations.
        listeners: open and close the ports.
        settings: the options, for the ports and the number of destinations.
        clock: a steady clock, µs, for throttling.
    """

    _log = Logger()

    def __init__(
        self, store: PeopleStore, settings_page: SettingsPage, listeners: PortOpener, settings: Settings, clock: Clock
    ) -> None:
        self._store, self._settings_page, self._listeners = store, settings_page, listeners
        self._settings = settings
        self._new = Throttle(_NEW_OF_ACCOUNT, clock)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            form_on("/settings", "/settings/destinations", self.create),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/retention", self.change_retention),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/close", self.close),
        )

    async def create(self, visit: Visit, login: Login) -> Answer:
        """``POST /settings/destinations``: create a destination; its port is opened before the page shows it."""
        spend(self._new, str(login.account.id))
        settings = self._settings
        try:
            with needing_a_port():
                destination = await self._store.create_destination(
                    login.account.id,
                    settings.public_host,
                    settings.ports,
                    settings.max_destinations,
                    lambda port: is_port_taken(settings.listen_interface, port),
                )
        except TooManyDestinations as error:
            return await self._settings_page.page(visit, login, 409, error=WrongField("destinations", str(error)))
        self._log.info("Account {id} created {user_id}", id=login.account.id, user_id=destination.user_id)
        await is_opened(self._listeners, destination)
        return see_other(f"/settings#destination-{destination.id}")

    async def change_retention(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/retention`` with ``days``; if empty, the installation's default applies."""
        destination = await self._owned(login, int(destination_id))
        try:
            days = days_of(visit.form())
        except WrongField as error:
            wrong = WrongField(f"days-{destination.id}", str(error))
            return await self._settings_page.page(visit, login, 400, error=wrong)
        await self._store.set_retention(login.account.id, destination.id, days)
        return see_other("/settings")

    async def close(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/close`` with ``confirm``, which must be the destination's ``user_id``: close it for good."""
        destination = await self._owned(login, int(destination_id))
        if visit.form().get("confirm", "").strip() != destination.user_id:
            error = WrongField(f"confirm-{destination.id}", f"Type {destination.user_id} to close it for good.")
            return await self._settings_page.page(visit, login, 400, error=error)
        await self._store.close_destination(login.account.id, destination.id)
        self._listeners.close(destination)
        return see_other("/settings")

    async def _owned(self, login: Login, destination_id: int) -> Destination:
        access = await access_of(self._store, login.account.id)
        return access.owned_numbered(destination_id, "decides how long its events are kept")
