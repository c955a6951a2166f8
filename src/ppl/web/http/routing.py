"""Finds the handler of a request, and does the work that all routes share: logins, origins, form tokens, error pages.

Each module of :mod:`ppl.web.pages` and :mod:`ppl.web.api` gives the routes of its handlers, made by
:func:`for_anyone`, :func:`for_login`, :func:`form_on` or :func:`for_account`; :mod:`ppl.web.site` joins them. The
function that makes a route decides who may use it. This module enforces that for all routes alike, and mypy checks that
the handler of a route for anyone takes ``None`` for the login. ``docs/security.rst`` lists every route with the
response that each kind of account gets.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Concatenate, Literal, Protocol

import attrs
from twisted.logger import Logger

from ppl.access.destinations import NoSuchDestination, NotOwned, NotReadable
from ppl.access.passwords import TooBusy
from ppl.errors import PplError, StatementTimeout, StoreUnavailable
from ppl.http.origin import OriginPolicy
from ppl.model import Account
from ppl.web.http.answers import (
    Answer,
    BadFormToken,
    Forbidden,
    ForeignOrigin,
    InternalError,
    MethodNotAllowed,
    NotFound,
    NotLoggedIn,
    Refusal,
    StreamedAnswer,
    Unavailable,
    found,
    see_other,
)
from ppl.web.http.forms import login_path
from ppl.web.http.rendering import Pages
from ppl.web.http.sessions import Login, Sessions, is_own_form
from ppl.web.http.visit import Visit

PendingAnswer = Awaitable[Answer | StreamedAnswer]
PublicHandler = Callable[Concatenate[Visit, Login | None, ...], PendingAnswer]
"""``handler(visit, login, *parts of the path)``; ``login`` is ``None`` for a visitor without login."""
LoginHandler = Callable[Concatenate[Visit, Login, ...], PendingAnswer]
"""``handler(visit, login, *parts of the path)``."""
AccountHandler = Callable[Concatenate[Visit, Account, ...], PendingAnswer]
"""``handler(visit, account, *parts of the path)``."""

NUMBER = r"(\d{1,18})"
"""The part of a path that is an id."""

Allowed = Literal["anyone", "login", "account"]
"""The audience of a route: anyone, browsers that are logged in, or accounts with a session cookie or a bearer token."""


@attrs.frozen
class Route:
    """One address with its handler.

    Attributes:
        method: ``GET`` (which also serves HEAD), ``POST`` or ``DELETE``.
        pattern: matches the whole path; its groups are the handler's further arguments.
        audience: the clients that may use the route; others are redirected to the login page or, if programs, get 401.
        handler: the coroutine function that makes the response.
        page: the page with the form that is sent to this address; opening the address in a browser leads back to that
            page. ``""`` for other routes.
    """

    method: str
    pattern: re.Pattern[str]
    audience: Allowed
    handler: Callable[..., PendingAnswer]
    page: str = ""


def for_anyone(method: str, path: str, handler: PublicHandler) -> Route:
    """A route that needs no login; ``path`` is a regular expression for the whole path."""
    return Route(method, re.compile(path, re.ASCII), "anyone", handler)


def for_login(method: str, path: str, handler: LoginHandler) -> Route:
    """A route for browsers that are logged in; ``path`` is a regular expression for the whole path."""
    return Route(method, re.compile(path, re.ASCII), "login", handler)


def form_on(page: str, path: str, handler: LoginHandler) -> Route:
    """A ``POST`` route for the form on ``page``; ``path`` is a regular expression for the whole path."""
    return Route("POST", re.compile(path, re.ASCII), "login", handler, page)


def for_account(path: str, handler: AccountHandler) -> Route:
    """A ``GET`` route for accounts, by cookie or bearer token; ``path`` is a regular expression for the whole path."""
    return Route("GET", re.compile(path, re.ASCII), "account", handler)


class Routed(Protocol):
    """The handlers of a page or of a part of the API, with their addresses."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of these handlers."""


class Routes:
    """Answers each visit with the handler of its route; every failure becomes a response too."""

    _log = Logger()

    def __init__(self, routes: Sequence[Route], sessions: Sessions, pages: Pages, origins: OriginPolicy) -> None:
        self.routes = routes
        own = {each.pattern for each in routes if each.method == "GET"}
        backs = (each for each in routes if each.page and each.pattern not in own)
        self._with_redirects = (*routes, *(Route("GET", each.pattern, "login", _back_to(each.page)) for each in backs))
        self._sessions = sessions
        self._pages = pages
        self._origins = origins

    async def answer(self, visit: Visit) -> Answer | StreamedAnswer:
        """The response to ``visit``; never raises."""
        try:
            try:
                return await self._answer(visit)
            except Refusal:
                raise
            except (StoreUnavailable, StatementTimeout) as error:
                raise Unavailable("The database cannot be reached right now.", error.code) from error
            except (NotReadable, NotOwned) as error:
                raise Forbidden(str(error)) from error
            except NoSuchDestination as error:
                raise NotFound(str(error)) from error
            except TooBusy as error:
                raise Unavailable(str(error), error.code) from error
            except Exception as error:
                self._log.failure("{method} {path} failed", method=visit.method, path=visit.path)
                raise InternalError from error
        except Refusal as refusal:
            return self._pages.refusal(visit, refusal, await self._whose_menu(visit))

    async def _whose_menu(self, visit: Visit) -> Login | None:
        """The login whose menu an error page shows; ``None`` if there is no login, or the store cannot be asked."""
        if visit.is_for_programs:
            return None
        try:
            return await self._sessions.find(visit)
        except PplError:
            return None

    async def _answer(self, visit: Visit) -> Answer | StreamedAnswer:
        chosen, parts = self._find(visit)
        changes = chosen.method != "GET"
        if changes and not self._origins.form_allowed(
            visit.header("origin"), visit.header("sec-fetch-site"), visit.header("referer"), visit.host, visit.tls
        ):
            raise ForeignOrigin(self._origins.public_url)
        login = await self._sessions.find(visit)
        if chosen.audience == "account":
            return await chosen.handler(visit, await self._sessions.account(visit, login), *parts)
        if chosen.audience == "login" and login is None:
            return _to_login(visit, chosen.page)
        if changes and not is_own_form(visit, login, _given_token(visit)):
            raise BadFormToken
        return await chosen.handler(visit, login, *parts)

    def _find(self, visit: Visit) -> tuple[Route, tuple[str, ...]]:
        matches = [(each, match) for each in self._with_redirects if (match := each.pattern.fullmatch(visit.path))]
        if not matches:
            raise NotFound
        method = "GET" if visit.method == "HEAD" else visit.method
        for each, match in matches:
            if each.method == method:
                return each, match.groups()
        methods = [each.method for each, _ in matches]
        raise MethodNotAllowed(visit.method, ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])]))


def _to_login(visit: Visit, page: str) -> Answer:
    """Redirect to the login page, which then leads to the requested page, or to ``page`` if a form was sent."""
    if visit.is_for_programs:
        raise NotLoggedIn
    return see_other(login_path((page or "/") if visit.method == "POST" else visit.target))


def _back_to(page: str) -> LoginHandler:
    """A handler for a form's address that is opened like a page, as when the address bar is used to reload."""

    async def back(visit: Visit, login: Login, *parts: str) -> Answer:
        return found(page)

    return back


def _given_token(visit: Visit) -> str:
    return visit.header("x-csrf-token") or visit.form().get("csrf_token", "")
