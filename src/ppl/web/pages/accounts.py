"""Registration, login, logout and the start page: forms that work without JavaScript."""

from __future__ import annotations

from twisted.logger import Logger

from ppl.access.destinations import access_of
from ppl.access.passwords import Passwords
from ppl.access.throttle import Rate, Throttle
from ppl.errors import AlreadyExists, RegistrationClosed
from ppl.model import Account, Clock, Destination
from ppl.options import Settings
from ppl.services.listening import is_port_taken
from ppl.store.interface import PeopleStore
from ppl.web.http.answers import Answer, Forbidden, found, see_other, spend
from ppl.web.http.destinations import PortOpener, is_opened, needing_a_port
from ppl.web.http.forms import (
    WrongField,
    email_of,
    login_path,
    new_password_of,
    next_of,
    time_zone_names,
    time_zone_of,
)
from ppl.web.http.logins import Logins, device_cookie
from ppl.web.http.parameters import present_address
from ppl.web.http.rendering import Pages
from ppl.web.http.routing import Route, for_anyone, for_login
from ppl.web.http.sessions import Login, Sessions, stranger_form
from ppl.web.http.setup import Setup
from ppl.web.http.visit import Visit
from ppl.web.pages.viewer import viewer_page

# Wide enough for a class or an office behind one address; each registration also costs one Argon2 hash.
_REGISTRATIONS_OF_ADDRESS = Rate(burst=100, seconds=30)


class AccountPages:
    """Handlers of ``/``, ``/register``, ``/login`` and ``/logout``."""

    _log = Logger()

    def __init__(
        self,
        store: PeopleStore,
        listeners: PortOpener,
        passwords: Passwords,
        sessions: Sessions,
        pages: Pages,
        settings: Settings,
        clock: Clock,
        setup: Setup | None = None,
    ) -> None:
        self._store = store
        self._listeners = listeners
        self._passwords = passwords
        self._sessions = sessions
        self._pages = pages
        self._settings = settings
        self._setup = setup
        self._logins = Logins(clock)
        self._registrations = Throttle(_REGISTRATIONS_OF_ADDRESS, clock)

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""
        return (
            for_anyone("GET", "/", self.first_page),
            for_anyone("GET", "/register", self.registration_form),
            for_anyone("POST", "/register", self.register),
            for_anyone("GET", "/login", self.login_form),
            for_anyone("POST", "/login", self.log_in),
            for_login("POST", "/logout", self.log_out),
        )

    async def first_page(self, visit: Visit, login: Login | None) -> Answer:
        """``GET /``: the viewer, or a redirect to registration or login."""
        if login is None:
            return found("/register" if await self._is_fresh() else login_path(visit.target))
        access = await access_of(self._store, login.account.id)
        moved = present_address(visit, access)
        if moved is not None:
            return found(moved)
        columns = await self._store.columns_of(login.account.id)
        return viewer_page(self._pages, visit, login, access, columns)

    # Registration

    async def registration_form(self, visit: Visit, login: Login | None) -> Answer:
        """``GET /register``: the registration form."""
        if login is not None:
            return found("/")
        if not await self._may_register():
            return self._registration_closed(visit)
        self._check_setup(visit.query)
        return self._registration_page(visit, visit.query, None)

    async def register(self, visit: Visit, login: Login | None) -> Answer:
        """``POST /register``: create an account, its destination and a session; open the port before the page shows."""
        if login is not None:
            return see_other("/")
        form = visit.form()
        if not await self._may_register():
            return self._registration_closed(visit)
        self._check_setup(form)
        try:
            email, password, time_zone = email_of(form), new_password_of(form), time_zone_of(form)
        except WrongField as error:
            return self._registration_page(visit, form, error)
        spend(self._registrations, visit.client)
        if await self._store.credentials(email) is not None:
            # Checked before the password is hashed: the response reveals the account anyway, so save the hash's cost.
            return self._registered_already(visit, form)
        try:
            with needing_a_port():
                account, destination = await self._store.register(
                    email,
                    await self._passwords.hash(password),
                    time_zone,
                    self._settings.public_host,
                    self._settings.ports,
                    only_first=self._settings.registration in ("first", "first-open"),
                    is_taken=lambda port: is_port_taken(self._settings.listen_interface, port),
                )
        except RegistrationClosed:
            return self._registration_closed(visit)
        except AlreadyExists:
            return self._registered_already(visit, form)
        if self._setup is not None:
            self._setup.use()
        self._log.info("Registered account {id} with {user_id}", id=account.id, user_id=destination.user_id)
        return await self._welcome(visit, account, destination)

    async def _welcome(self, visit: Visit, account: Account, destination: Destination) -> Answer:
        login, cookies = await self._sessions.open(visit, account)
        if not await is_opened(self._listeners, destination):
            return self._pages.page("opening.html", visit, login, destination=destination).with_cookies(*cookies)
        return see_other("/").with_cookies(*cookies)

    async def _is_fresh(self) -> bool:
        """Whether there is no account yet and somebody may register."""
        return self._settings.registration != "closed" and await self._store.count_accounts() == 0

    async def _may_register(self) -> bool:
        policy = self._settings.registration
        return policy == "open" or (policy != "closed" and await self._store.count_accounts() == 0)

    def _check_setup(self, fields: dict[str, str]) -> None:
        if self._setup is not None and not self._setup.allows(fields.get("setup", "")):
            raise Forbidden(
                "This Ppl has no account yet; its operator must create the first one.",
                "Open the link that Ppl's log shows (“Ppl is ready. Open …”); each start of Ppl makes a new link.",
            )

    def _registration_closed(self, visit: Visit) -> Answer:
        return self._pages.page("closed.html", visit, None, 403)

    def _registered_already(self, visit: Visit, form: dict[str, str]) -> Answer:
        error = WrongField("email", "An account with this email address already exists: log in instead.")
        return self._registration_page(visit, form, error, 409)

    def _registration_page(
        self, visit: Visit, form: dict[str, str], error: WrongField | None, status: int = 400
    ) -> Answer:
        token, cookie = stranger_form(visit)
        page = self._pages.page(
            "register.html",
            visit,
            None,
            status if error else 200,
            csrf_token=token,
            error=error,
            email=form.get("email", ""),
            setup=form.get("setup", ""),
            time_zone=form.get("timeZone", ""),
            time_zones=time_zone_names(),
        )
        return page.with_cookies(cookie)

    # Login

    async def login_form(self, visit: Visit, login: Login | None) -> Answer:
        """``GET /login``: the login form."""
        if login is not None:
            return found(next_of(visit.query))
        return await self._login_page(visit, visit.query, None)

    async def log_in(self, visit: Visit, login: Login | None) -> Answer:
        """``POST /login``: open a new session; a session that the browser had is closed."""
        form = visit.form()
        email, password = form.get("email", "").strip().lower(), form.get("password", "")
        # PostgreSQL cannot store NUL in text, so no account has such an email; the password is still verified, to take
        # the same time.
        known = None if "\0" in email else await self._store.credentials(email)
        account, password_hash = known or (None, None)
        attempt = self._logins.begin(visit, email, password_hash)
        if not await self._passwords.verify(password_hash, password) or account is None or password_hash is None:
            self._log.info("Login from {client} failed: wrong email address or password", client=visit.client)
            error = WrongField("password", "Wrong email address or password.")
            return await self._login_page(visit, form, error)
        self._logins.succeeded(attempt)
        if self._passwords.needs_rehash(password_hash):
            password_hash = await self._passwords.hash(password)
            await self._store.set_password_hash(account.id, password_hash)
        if login is not None:
            await self._sessions.close(visit, login)
        _, cookies = await self._sessions.open(visit, account)
        return see_other(next_of(form)).with_cookies(*cookies, device_cookie(visit, password_hash))

    async def _login_page(self, visit: Visit, fields: dict[str, str], error: WrongField | None) -> Answer:
        token, cookie = stranger_form(visit)
        page = self._pages.page(
            "login.html",
            visit,
            None,
            400 if error else 200,
            csrf_token=token,
            error=error,
            email=fields.get("email", ""),
            next=next_of(fields),
            may_register=await self._may_register(),
        )
        return page.with_cookies(cookie)

    async def log_out(self, visit: Visit, login: Login | None) -> Answer:
        """``POST /logout``: end the session, in the store and in the browser."""
        answer = see_other("/login")
        return answer.with_cookies(await self._sessions.close(visit, login)) if login else answer
