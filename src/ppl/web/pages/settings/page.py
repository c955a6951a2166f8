"""The settings page with all its sections, and the forms for time zone, tokens, encryption and test lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ppl.access.destinations import access_of
from ppl.access.quota import Quota
from ppl.access.secrets import new_secret, secret_hash
from ppl.access.throttle import Rate, Throttle
from ppl.model import Clock, Destination, Role
from ppl.store.interface import Store
from ppl.timezone import local_text, parse_time_zone
from ppl.web.api.archives import Archives
from ppl.web.api.export import FORMATS
from ppl.web.api.test_line import SampleLines
from ppl.web.http.answers import Answer, NotFound, SendersRestricted, Unavailable, see_other, spend
from ppl.web.http.destinations import destination_fields
from ppl.web.http.forms import WrongField, label_of, time_zone_names, time_zone_of
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import NUMBER, Route, for_login, form_on
from ppl.web.http.sessions import Login, SessionEnded
from ppl.web.http.visit import Visit
from ppl.web.pages.settings.archived_days import newest_archives
from ppl.web.pages.settings.retention import keeping_fields
from ppl.web.pages.settings.senders import Restricting, restricting_fields
from ppl.web.pages.settings.transport import Transports, transport_fields
from ppl.web.pages.snippets import snippets_of

_MOST_TOKENS = 100
_TOKENS_OF_ACCOUNT = Rate(burst=30, seconds=10)


class SettingsPage:
    """Handlers of ``/settings`` and the forms on it; all need a login."""

    def __init__(
        self,
        store: Store,
        pages: Pages,
        clock: Clock,
        steady: Clock,
        session_ended: SessionEnded,
        transports: Transports,
        retention_days: int | None,
        lines: SampleLines,
        archives: Archives,
        quota: Quota,
        fingerprint: Callable[[str], str] = lambda host: "",
        *,
        has_limits: bool = False,
    ) -> None:
        self._has_limits = has_limits
        self._quota, self._fingerprint = quota, fingerprint
        self._store, self._clock = store, clock
        self._lines, self._archives = lines, archives
        self._transports = transports
        self._retention_days = retention_days
        self._session_ended = session_ended
        self._pages = pages
        self._creations = Throttle(_TOKENS_OF_ACCOUNT, steady)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_login("GET", "/settings", self.show),
            form_on("/settings", "/settings/time-zone", self.change_time_zone),
            form_on("/settings", "/settings/tokens", self.create_token),
            form_on("/settings", rf"/settings/tokens/{NUMBER}/delete", self.delete_token),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/transport", self.change_transport),
            form_on("/settings", rf"/settings/destinations/{NUMBER}/test-line", self.send_test_line),
        )

    async def show(self, visit: Visit, login: Login) -> Answer:
        """``GET /settings``: the page."""
        return await self.page(visit, login)

    async def change_time_zone(self, visit: Visit, login: Login) -> Answer:
        """``POST /settings/time-zone`` with ``timeZone``: change the account's time zone."""
        form = visit.form()
        try:
            time_zone = time_zone_of(form)
        except WrongField as error:
            return await self.page(visit, login, 400, error=error, time_zone=form.get("timeZone", ""))
        await self._store.set_time_zone(login.account.id, time_zone)
        return see_other("/settings")

    async def create_token(self, visit: Visit, login: Login) -> Answer:
        """``POST /settings/tokens`` with ``label``: make a token; only this response shows the secret."""
        form = visit.form()
        try:
            label = label_of(form)
            if len(await self._store.sessions_of(login.account.id, "token")) >= _MOST_TOKENS:
                raise WrongField("label", f"An account may have at most {_MOST_TOKENS} tokens: revoke one first.")
        except WrongField as error:
            return await self.page(visit, login, 400, error=error, label=form.get("label", ""))
        spend(self._creations, str(login.account.id))
        secret = new_secret()
        await self._store.create_session(login.account.id, secret_hash(secret), "token", label, None)
        return await self.page(visit, login, new_token=secret)

    async def delete_token(self, visit: Visit, login: Login, token_id: str) -> Answer:
        """``POST /settings/tokens/<id>/delete``: revoke one of the account's own tokens."""
        own = await self._store.sessions_of(login.account.id, "token")
        if int(token_id) not in {session.id for session in own}:
            raise NotFound("There is no such token.")
        await self._store.delete_session(login.account.id, int(token_id))
        self._session_ended(login.account.id)
        return see_other("/settings")

    async def change_transport(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST /settings/destinations/<id>/transport`` with ``transport``, for a destination the account owns."""
        try:
            applied = await self._transports.change(
                login.account.id, int(destination_id), visit.form().get("transport", "")
            )
        except WrongField as error:
            return await self.page(visit, login, 400, error=error)
        return see_other("/settings") if applied else await self.page(visit, login, transport_waits=True)

    async def send_test_line(self, visit: Visit, login: Login, destination_id: str) -> Answer:
        """``POST /settings/destinations/<id>/test-line``: the page shows the line that was sent, or why none was."""
        access = await access_of(self._store, login.account.id)
        chosen = access.numbered(int(destination_id))
        try:
            line = await self._lines.send(login.account, chosen)
        except (SendersRestricted, Unavailable) as error:
            return await self.page(visit, login, error.status, error=WrongField("test-line", str(error)))
        return await self.page(visit, login, sent=(chosen.id, line))

    async def page(
        self,
        visit: Visit,
        login: Login,
        status: int = 200,
        *,
        error: WrongField | None = None,
        new_token: str | None = None,
        new_drain: object | None = None,
        transport_waits: bool = False,
        sent: tuple[int, str] | None = None,
        restricting: Restricting | None = None,
        **typed: str,
    ) -> Answer:
        """The page, with the outcome of the last form: an error, or a secret that is shown only once."""
        account = login.account
        zone = parse_time_zone(account.time_zone)
        tokens: list[dict[str, Any]] = [
            {"id": session.id, "label": session.label, "created_at": local_text(session.created_at, zone)}
            for session in await self._store.sessions_of(account.id, "token")
        ]
        access = await access_of(self._store, account.id)
        owned = {destination.id: destination for destination in access.owned}
        open_ones = [destination.id for destination in owned.values() if not destination.is_closed]
        drains: list[dict[str, Any]] = [
            {
                "id": drain.id,
                "label": drain.label,
                "user_id": owned[drain.destination_id].user_id,
                "created_at": local_text(drain.created_at, zone),
            }
            for drain in await self._store.drains_of(account.id)
            if drain.destination_id in owned
        ]
        sender_tokens = await self._store.sender_tokens_of(account.id)
        return self._pages.page(
            "settings.html",
            visit,
            login,
            status,
            contents=_contents(has_destinations=bool(access), has_open=bool(open_ones)),
            error=error,
            new_token=new_token,
            time_zone=typed.get("time_zone", account.time_zone),
            label=typed.get("label", ""),
            time_zones=time_zone_names(),
            now=local_text(self._clock(), zone),
            sent=sent,
            tokens=tokens,
            owned=[destination for destination in owned.values() if not destination.is_closed],
            drains=drains,
            new_drain=new_drain,
            destinations=[
                _shown(destination, role, self._fingerprint(destination.host)) for destination, role in access
            ],
            only_open=next(iter(open_ones)) if len(open_ones) == 1 else None,
            archived=[
                newest_archives(destination, await self._archives.days(destination)) for destination in access.readable
            ],
            is_archiving=self._archives.is_archiving,
            formats=tuple(FORMATS),
            export_query=typed.get("export_query", ""),
            transports=[
                transport_fields(destination, role) for destination, role in access if not destination.is_closed
            ],
            transport_waits=transport_waits,
            restricted=[
                restricting_fields(destination, role, restricting, self._quota, sender_tokens, zone)
                for destination, role in access
                if not destination.is_closed
            ],
            keeping=[
                keeping_fields(destination, role, account.time_zone, self._retention_days, self._has_limits)
                for destination, role in access
            ],
        )


def _contents(*, has_destinations: bool, has_open: bool) -> list[tuple[str, str]]:
    """The ids and names of the page's sections, in order."""
    return [
        ("destinations", "Log destinations"),
        ("transport", "Encryption"),
        ("restrictions", "Senders and quotas"),
        ("keeping", "How long events are kept"),
        *([("downloads", "Downloads")] if has_destinations else []),
        *([("drains", "Drain tokens")] if has_open else []),
        ("time-zone", "Time zone"),
        ("tokens", "Tokens for programs"),
    ]


def _shown(destination: Destination, role: Role, fingerprint: str) -> dict[str, Any]:
    is_closed = destination.is_closed
    return {
        **destination_fields(destination, role),
        "id": destination.id,
        "is_closed": is_closed,
        "served_by": destination.served_by,
        "fingerprint": "" if is_closed else fingerprint,
        "needs": [
            *(["token"] if destination.token_hashes else []),
            *(["certificate"] if destination.client_certificates else []),
        ],
        "senders": [] if is_closed else snippets_of(destination),
    }
