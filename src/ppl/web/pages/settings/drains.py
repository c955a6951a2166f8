"""Drain tokens on the settings page: the owner of a destination makes them, sees each once, and revokes them."""

from __future__ import annotations

import attrs

from ppl.access.destinations import NotOwned, access_of
from ppl.access.secrets import new_secret, secret_hash
from ppl.access.throttle import Rate, Throttle
from ppl.errors import TooManyDrains
from ppl.model import Clock
from ppl.options import Settings
from ppl.store.interface import PeopleStore
from ppl.web.http.answers import Answer, NotFound, see_other, spend
from ppl.web.http.forms import WrongField, label_of
from ppl.web.http.routing import NUMBER, Route, form_on
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.settings.page import SettingsPage

_MOST_DRAINS = 100
_MAKES = "may make its drain tokens"
_DRAINS_OF_ACCOUNT = Rate(burst=30, seconds=10)


@attrs.frozen
class NewDrain:
    """A new drain token as the page shows it, once.

    Attributes:
        user_id: the destination of its lines.
        base: scheme and authority of the drain's address, without a trailing slash.
        token: the secret.
    """

    user_id: str
    base: str
    token: str = attrs.field(repr=False)

    @property
    def url(self) -> str:
        """The address to which senders send."""
        return f"{self.base}/logs/{self.token}"

    @property
    def host(self) -> str:
        """The host in ``base``."""
        return self._authority.rpartition(":")[0] if self._has_port else self._authority

    @property
    def port(self) -> str:
        """The port of ``base``; the default of its scheme if it names none."""
        return self._authority.rpartition(":")[2] if self._has_port else "443" if self.is_tls else "80"

    @property
    def is_tls(self) -> bool:
        """Whether senders use TLS."""
        return self.base.startswith("https:")

    @property
    def _authority(self) -> str:
        return self.base.partition("://")[2]

    @property
    def _has_port(self) -> bool:
        return self._authority.rpartition(":")[2].isdigit() and ":" in self._authority


class DrainsPage:
    """Handlers of the forms at ``/settings/drains``; all need a login."""

    def __init__(self, store: PeopleStore, settings_page: SettingsPage, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._settings_page = settings_page
        self._base = settings.drain_url or settings.public_url
        self._creations = Throttle(_DRAINS_OF_ACCOUNT, clock)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            form_on("/settings", "/settings/drains", self.create),
            form_on("/settings", rf"/settings/drains/{NUMBER}/delete", self.delete),
        )

    async def create(self, visit: Visit, login: Login) -> Answer:
        """``POST /settings/drains`` with ``destination`` and ``drain_label``: only this response shows the token."""
        form = visit.form()
        access = await access_of(self._store, login.account.id)
        chosen = access.owned_numbered(form.get("destination", ""), _MAKES)
        try:
            label = label_of(form, "drain_label")
            spend(self._creations, str(login.account.id))
            secret = new_secret()
            made = await self._create(login, chosen.id, secret, label)
        except WrongField as error:
            return await self._settings_page.page(visit, login, 400, error=error)
        if not made:
            raise NotOwned(_MAKES)
        base = self._base or f"{'https' if visit.secure else 'http'}://{visit.host}"
        return await self._settings_page.page(visit, login, new_drain=NewDrain(chosen.user_id, base, secret))

    async def _create(self, login: Login, destination_id: int, secret: str, label: str) -> bool:
        try:
            made = await self._store.create_drain(
                login.account.id, destination_id, secret_hash(secret), label, _MOST_DRAINS
            )
        except TooManyDrains as error:
            raise WrongField("drain_label", str(error)) from error
        return made is not None

    async def delete(self, visit: Visit, login: Login, drain_id: str) -> Answer:
        """``POST /settings/drains/<id>/delete``: revoke a token of a destination that the account owns, at once."""
        if not await self._store.delete_drain(login.account.id, int(drain_id)):
            raise NotFound("There is no such token.")
        return see_other("/settings")
