"""Parses DSNs for libpq, and refuses one in which part of a password would become a host, a port or a database.

libpq ends the user and the password of a URL at the first ``@`` or ``/``. If a password contains one of them
unencoded, its rest becomes the host, the port or the database, which messages show.
"""

from __future__ import annotations

import re

import psycopg2
from psycopg2.extensions import parse_dsn

#: With these the kernel ends a connection to a silent machine; libpq's defaults wait for hours.
KEEPALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 30_000}

_ENCODING = "a password with @ / : ? # % must be percent-encoded"


def parsed(dsn: str) -> dict[str, str]:
    """The parts of ``dsn``, by the names that libpq gives them.

    Raises:
        ValueError: ``dsn`` is wrong; the text is the end of a sentence, and shows nothing of ``dsn``.
    """
    is_url = dsn.startswith(("postgresql://", "postgres://"))
    try:
        parts: dict[str, str] = parse_dsn(dsn)
    except psycopg2.Error:
        # The error's text may quote a part of the password.
        hint = f" ({_ENCODING})" if is_url else ""
        raise ValueError(f"it is not a DSN that PostgreSQL's library understands{hint}") from None
    if is_url and "@" in _after_password(dsn):
        raise ValueError(f"it has one @ too many: {_ENCODING}")
    hosts = f"{parts.get('host', '')},{parts.get('hostaddr', '')}".split(",")
    # The names of Linux's abstract sockets begin with @.
    if any("@" in host[1:] for host in hosts if not host.startswith("/")):
        raise ValueError(f"its host contains @: {_ENCODING}" if is_url else "its host contains @")
    if not all(_is_port(port) for port in parts.get("port", "").split(",")):
        raise ValueError(f"its port must be a number from 1 to 65535; in a URL {_ENCODING}")
    return parts


def _after_password(url: str) -> str:
    """The hosts and the database of ``url``, as libpq divides it."""
    rest = url.partition("://")[2]
    password = re.match(r"[^@/]*@", rest)
    return rest[password.end() if password else 0 :].partition("?")[0]


def _is_port(text: str) -> bool:
    """Whether ``text`` is a port; empty stands for the default one."""
    return not text or (re.fullmatch(r" *\d{1,5} *", text, re.ASCII) is not None and 1 <= int(text) <= 65535)
