"""Addresses to the coroutines that answer them, and what holds for all: logins, origins, form tokens, error pages."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import attrs
from twisted.logger import Logger

from ppl.access.destinations import NoSuchDestination, NotOwned, NotReadable
from ppl.access.passwords import TooBusy
from ppl.errors import PplError, StatementTimeout, StoreUnavailable
from ppl.http.origin import OriginPolicy
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
    see_other,
)
from ppl.web.http.forms import login_path
from ppl.web.http.rendering import Pages
from ppl.web.http.sessions import Login, Sessions, is_own_form
from ppl.web.http.visit import Visit

Handler = Callable[..., Awaitable[Answer | StreamedAnswer]]
"""``handler(visit, login, *parts of the path)``; ``login`` is never ``None`` on a route that needs one."""


@attrs.frozen
class Route:
    """One address.

    Attributes:
        method: ``GET`` (serves HEAD too), ``POST`` or ``DELETE``.
        pattern: of the whole path; its groups are the handler's further arguments.
        handler: answers.
        needs_login: without one, pages lead to the login page and programs get 401.
    """

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    needs_login: bool


def route(method: str, path: str, handler: Handler, *, needs_login: bool = False) -> Route:
    """``path`` is a regular expression for the whole path."""
    return Route(method, re.compile(path, re.ASCII), handler, needs_login)


class Routes:
    """Answers visits from ``routes``; every failure becomes an answer too."""

    _log = Logger()

    def __init__(self, routes: tuple[Route, ...], sessions: Sessions, pages: Pages, origins: OriginPolicy) -> None:
        self._routes = routes
        self._sessions = sessions
        self._pages = pages
        self._origins = origins

    async def answer(self, visit: Visit) -> Answer | StreamedAnswer:
        """The answer to ``visit``; never raises."""
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
            return self._pages.refusal(visit, refusal, await self._known(visit))

    async def _known(self, visit: Visit) -> Login | None:
        """Whose menu an error page has: nobody's where that cannot be found out."""
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
        if chosen.needs_login and login is None:
            return _to_login(visit)
        if changes and not is_own_form(visit, login, _given_token(visit)):
            raise BadFormToken
        return await chosen.handler(visit, login, *parts)

    def _find(self, visit: Visit) -> tuple[Route, tuple[str, ...]]:
        matches = [(each, match) for each in self._routes if (match := each.pattern.fullmatch(visit.path))]
        if not matches:
            raise NotFound
        method = "GET" if visit.method == "HEAD" else visit.method
        for each, match in matches:
            if each.method == method:
                return each, match.groups()
        methods = [each.method for each, _ in matches]
        raise MethodNotAllowed(visit.method, ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])]))


def _to_login(visit: Visit) -> Answer:
    if visit.is_for_programs:
        raise NotLoggedIn
    if visit.method != "POST":
        return see_other(login_path(visit.target))
    # After a form was sent in vain the reader comes back to the page it stood on, never to where it was sent.
    page = next((page for page in ("/settings", "/saved", "/marks") if visit.path.startswith(page)), "/")
    return see_other(login_path(page))


def _given_token(visit: Visit) -> str:
    return visit.header("x-csrf-token") or visit.form().get("csrf_token", "")
