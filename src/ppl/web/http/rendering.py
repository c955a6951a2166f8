"""Renders templates to pages: values are escaped, unknown names are errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket

from ppl.access.sessions import cookies
from ppl.model import Clock
from ppl.version import version
from ppl.web.http.answers import Answer, Refusal, json_answer
from ppl.web.http.assets import Assets
from ppl.web.http.sessions import Login
from ppl.web.http.visit import Visit

TEMPLATES = Path(__file__).parents[1] / "templates"

_THEMES = ("dark", "light")


class _Compiled(BytecodeCache):
    """Keeps the code of templates, so that a process with several sites compiles each template once."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class Pages:
    """Renders the templates.

    Every template knows ``asset``, ``account``, ``csrf_token``, ``here`` (the page's path), ``theme``, ``version``,
    ``clock`` (µs) and ``public_host`` (the option).
    """

    def __init__(self, assets: Assets, public_host: str, clock: Clock) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=_COMPILED,
        )
        self._environment.globals |= {
            "asset": assets.url,
            "public_host": public_host,
            "clock": clock,
            "version": version(),
        }

    def page(self, template: str, visit: Visit, login: Login | None, status: int = 200, **context: Any) -> Answer:
        """The page that ``template`` gives for ``visit`` and ``login`` (``None`` for a visitor without login)."""
        known = {
            "account": login.account if login else None,
            "csrf_token": login.csrf_token if login else None,
            "here": visit.path,
            "theme": theme_of(visit),
        }
        text = self._environment.get_template(template).render({**known, **context})
        return Answer(status, text.encode("utf-8"))

    def refusal(self, visit: Visit, refusal: Refusal, login: Login | None = None) -> Answer:
        """``refusal`` as JSON for programs, else as a page that says what to do, with the menu for ``login``."""
        if visit.is_for_programs:
            return json_error(refusal)
        page = self.page("error.html", visit, login, refusal.status, refusal=refusal)
        return Answer(page.status, page.body, headers=refusal.headers)


def theme_of(visit: Visit) -> str:
    """The theme chosen in this browser: ``dark``, ``light``, or empty for the system's theme."""
    given = cookies(visit.header("cookie"), "ppl_theme")
    return next((each for each in _THEMES if each in given), "")


def json_error(refusal: Refusal) -> Answer:
    """``refusal`` as JSON for programs."""
    return json_answer({"error": refusal.fields}, refusal.status, refusal.headers)
