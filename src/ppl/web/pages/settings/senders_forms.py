"""The forms with which the owner of a destination restricts its senders."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.logger import Logger

from ppl.access.destinations import access_of
from ppl.access.quota import Quota
from ppl.access.secrets import new_sender_token, secret_hash
from ppl.access.throttle import Rate, Throttle
from ppl.errors import ListenerUnavailable, TooManySenderTokens
from ppl.model import Clock, Destination
from ppl.store.interface import PeopleStore
from ppl.web.http.answers import Answer, NotFound, see_other, spend
from ppl.web.http.destinations import PortOpener
from ppl.web.http.forms import WrongField
from ppl.web.http.routing import NUMBER, Route, form_on
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit
from ppl.web.pages.settings.client_certificates import certificates_of
from ppl.web.pages.settings.page import SettingsPage
from ppl.web.pages.settings.senders import MOST_TOKENS, Restricting, networks_of, quota_typed

_CHANGES_OF_ACCOUNT = Rate(burst=20, seconds=10)


class RestrictingPage:
    """Handlers of ``/settings/destinations/<id>/`` with ``networks``, ``quota``, ``certificates`` or ``sender-tokens``.

    All need a login.

    Args:
        store: keeps the restrictions.
        settings_page: shows the restrictions.
        listeners: apply the restrictions.
        most: the operator's quota.
        clock: a steady clock, µs, for throttling.
    """

    _log = Logger()

    def __init__(
        self, store: PeopleStore, settings_page: SettingsPage, listeners: PortOpener, most: Quota, clock: Clock
    ) -> None:
        self._store, self._settings_page, self._listeners, self._most = store, settings_page, listeners, most
        self._changes = Throttle(_CHANGES_OF_ACCOUNT, clock)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            form_on("/settings", rf"/settings/destinations/{NUMBER}/networks", self.change_networks),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/certificates", self.change_certificates),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/quota", self.change_quota),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/sender-tokens", self.create_token),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/sender-tokens/{NUMBER}/delete", self.delete_token),
        )

    async def change_networks(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/networks`` with ``networks``; if empty, any address may send."""

        async def change(destination: Destination, form: dict[str, str]) -> None:
            await self._store.set_networks(login.account.id, destination.id, networks_of(form))

        return await self._change(visit, login, destination_id, "changed the networks", change)

    async def change_quota(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/quota`` with ``lines_per_second`` and ``megabytes_per_day``; empty means the operator's limit."""

        async def change(destination: Destination, form: dict[str, str]) -> None:
            quota = quota_typed(form, self._most)
            await self._store.set_quota(login.account.id, destination.id, quota.lines_per_second, quota.bytes_per_day)

        return await self._change(visit, login, destination_id, "changed the quota", change)

    async def change_certificates(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/certificates`` with ``certificates`` in PEM; if empty, senders need none."""

        async def change(destination: Destination, form: dict[str, str]) -> None:
            pem = certificates_of(form)
            await self._store.set_client_certificates(login.account.id, destination.id, pem)

        return await self._change(visit, login, destination_id, "changed the client certificates", change)

    async def create_token(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST …/sender-tokens``: make a token, which lines must carry from then on; only this response shows it."""
        secret = new_sender_token()

        async def change(destination: Destination, form: dict[str, str]) -> None:
            try:
                await self._store.create_sender_token(
                    login.account.id, destination.id, secret_hash(secret), MOST_TOKENS
                )
            except TooManySenderTokens as error:
                raise WrongField("sender_token", str(error)) from error

        return await self._change(visit, login, destination_id, "made a token", change, new_token=secret)

    async def delete_token(self, visit: Visit, login: Login, destination_id: str, token_id: str) -> Answer:
        """``POST …/sender-tokens/<id>/delete``: revoke a token. If others remain, lines with this one are dropped."""

        async def change(destination: Destination, form: dict[str, str]) -> None:
            if not await self._store.delete_sender_token(login.account.id, destination.id, int(token_id)):
                raise NotFound("There is no such token.")

        return await self._change(visit, login, destination_id, "revoked a token", change)

    async def _change(
        self,
        visit: Visit,
        login: Login,
        destination_id: str,
        what: str,
        change: Callable[[Destination, dict[str, str]], Awaitable[None]],
        new_token: str | None = None,
    ) -> Answer:
        """Make one ``change``, log ``what`` the account did, and have the listener apply it.

        If a field is wrong, the page shows the error beside it.
        """
        destination = await self._owned(login, int(destination_id))
        form = visit.form()
        try:
            spend(self._changes, str(login.account.id))
            await change(destination, form)
        except WrongField as error:
            came = Restricting(destination.id, error, form)
            return await self._settings_page.page(visit, login, 400, restricting=came)
        self._log.info(
            "Senders of {user_id}: account {account_id} {what}",
            user_id=destination.user_id,
            account_id=login.account.id,
            what=what,
        )
        is_applied = await self._applied(destination)
        if is_applied and new_token is None:
            return see_other("/settings#restrictions")
        came = Restricting(destination.id, waits=not is_applied, new_token=new_token)
        return await self._settings_page.page(visit, login, restricting=came)

    async def _applied(self, destination: Destination) -> bool:
        """Have a listener apply the saved restrictions; ``False``, with a warning in the log, if none did in time."""
        if destination.is_closed:
            return True
        try:
            await self._listeners.open(destination)
        except ListenerUnavailable as error:
            self._log.warn("The port of {user_id} is not updated: {why}", user_id=destination.user_id, why=str(error))
            return False
        return True

    async def _owned(self, login: Login, destination_id: int) -> Destination:
        access = await access_of(self._store, login.account.id)
        return access.owned_numbered(destination_id, "decides who may send to it")
