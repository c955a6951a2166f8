"""Reads and checks form fields: emails, passwords, time zones, token names, and the page to go on to after login."""

from __future__ import annotations

import re
import zoneinfo
from functools import cache
from urllib.parse import quote

from ppl.errors import PplError
from ppl.timezone import UnknownTimeZone, parse_time_zone

MIN_PASSWORD, MAX_PASSWORD = 8, 1024
_MAX_EMAIL = 254
_MAX_LABEL = 100
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,189}")
# Only plain characters and no second slash: browsers drop tabs and line ends from addresses and read \ as /.
_LOCAL_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}", re.ASCII)


class WrongField(PplError):
    """A field of a form is wrong; the form is shown again with the sentence.

    Attributes:
        field: the field's name.
    """

    code = "wrong_field"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def email_of(form: dict[str, str]) -> str:
    """The field ``email``, lower-cased.

    Raises:
        WrongField: it is not an email address.
    """
    email = form.get("email", "").strip().lower()
    if len(email) > _MAX_EMAIL or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise WrongField("email", "Enter an email address such as name@example.com.")
    return email


def new_password_of(form: dict[str, str]) -> str:
    """The field ``password``, for a new password.

    Raises:
        WrongField: it is too short or too long.
    """
    password = form.get("password", "")
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise WrongField("password", f"A password must have {MIN_PASSWORD} to {MAX_PASSWORD:,} characters.")
    return password


def time_zone_of(form: dict[str, str]) -> str:
    """The field ``timeZone``: an offset, an IANA name or the city in one; UTC if the field is missing or empty.

    Raises:
        WrongField: it is none of these, or several names have that city.
    """
    text = form.get("timeZone", "").strip() or "UTC"
    try:
        parse_time_zone(text)
    except UnknownTimeZone as error:
        city = text.replace(" ", "_").casefold()
        named = [name for name in time_zone_names() if name.rpartition("/")[2].casefold() == city]
        if len(named) != 1:
            raise WrongField("timeZone", str(error)) from error
        return named[0]
    return text


@cache
def time_zone_names() -> tuple[str, ...]:
    """The time zones that forms offer: UTC, and the IANA names of a region and a city."""
    legacy = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    names = (name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(legacy))
    return ("UTC", *sorted(names))


def label_of(form: dict[str, str], field: str = "label") -> str:
    """The name of a token, from the form's ``field``.

    Raises:
        WrongField: it is empty, too long or not printable.
    """
    label = form.get(field, "").strip()
    if not 1 <= len(label) <= _MAX_LABEL or not label.isprintable():
        raise WrongField(field, f"Give the token a name of at most {_MAX_LABEL} characters.")
    return label


def next_of(fields: dict[str, str]) -> str:
    """The field ``next``, the path to open after login; ``/`` unless it is on this site, so that no link leads away."""
    path = fields.get("next", "")
    return path if _LOCAL_PATH.fullmatch(path) else "/"


def login_path(target: str) -> str:
    """The address of the login page that leads on to ``target``."""
    return "/login" if target == "/" else f"/login?next={quote(target, safe='/')}"
