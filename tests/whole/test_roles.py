"""Who gets what from each route of the site: the table of ``docs/security.rst``, asked of a running Ppl, cell by cell.

The four columns are a visitor without a login, an account that may not read the destination, one that may, and its
owner. Each row asks about the owner's destination and about things that the owner made.
"""

from __future__ import annotations

import http.client
import re
import secrets
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest
from autobahn.twisted.websocket import WebSocketServerFactory
from twisted.internet import reactor

from ppl.access.secrets import csrf_token, new_secret, secret_hash
from ppl.listener.http.places import SITE_ADDRESSES
from ppl.model import HOUR
from ppl.options import default_settings
from ppl.services.clock import wall_clock
from ppl.similar.workers import Workers
from ppl.sources.known import ADDRESSED
from ppl.web.site import make_site
from tests.fixtures.running import ROOT, PplProcess, Registered, eventually, running, temporary_directory
from tests.web.conftest import AwayStore, OpenedPorts

COLUMNS = ("nobody", "stranger", "member", "owner")
_ROW = re.compile(r"``(GET|HEAD|POST|PUT|DELETE|OPTIONS) (/\S*)``  +(\S.*?)  +(\S.*?)  +(\S.*?)  +(\S.*)")
_PARTS = {r"(\d{1,18})": "<id>", r"([\w-]{1,64})": "<name>", r"(\d{4}-\d\d-\d\d)": "<date>"}
_DAY = "2023-11-14"


#: The routes of uploads at the addresses of protocols: only a drain token counts there, and no cookie.
UPLOADS = {
    f"{method} {address}"
    for kind in ADDRESSED
    if not kind.only_below
    for address in kind.addresses
    for method in kind.methods
} | {
    f"{probe.method} {address}"
    for kind in ADDRESSED
    for probe in kind.probes
    for address in probe.addresses
    if not probe.only_below
}


def table() -> dict[str, tuple[str, ...]]:
    """Route → what each column gets, as the page has it."""
    page = (ROOT / "docs/security.rst").read_text("utf-8")
    rows = [match.groups() for line in page.splitlines() if (match := _ROW.fullmatch(line.rstrip()))]
    return {f"{method} {path}": tuple(cells) for method, path, *cells in rows}


@attrs.frozen
class Scene:
    """The accounts, and what the owner has."""

    ppl: PplProcess
    people: dict[str, Registered]
    event_id: int

    @property
    def owner(self) -> Registered:
        return self.people["owner"]

    def one(self, sql: str, *parameters: object) -> int:
        ((number,),) = self.ppl.rows(sql, *parameters)
        return int(number)

    @property
    def account_id(self) -> int:
        return self.one("SELECT id FROM account WHERE email = %s", self.owner.email)

    @property
    def destination_id(self) -> int:
        return self.one("SELECT id FROM destination WHERE port = %s", self.owner.port)

    def another_destination(self) -> int:
        """One that the owner has and the member reads."""
        port = self.one("SELECT max(port) + 1 FROM destination")
        return self.one(
            "WITH made AS (INSERT INTO destination (host, port, time_zone, created_at)"
            " SELECT host, %s, time_zone, created_at FROM destination WHERE id = %s RETURNING id),"
            " shared AS (INSERT INTO membership SELECT m.account_id, made.id, m.role FROM membership m, made"
            " WHERE m.destination_id = %s) SELECT id FROM made",
            port,
            self.destination_id,
            self.destination_id,
        )

    def token(self) -> int:
        return self.one(
            "INSERT INTO session (account_id, secret_hash, kind, label, created_at)"
            " VALUES (%s, %s, 'token', 'a program', 0) RETURNING id",
            self.account_id,
            secret_hash(new_secret()),
        )

    def drain(self) -> int:
        return self.one(
            "INSERT INTO drain (destination_id, secret_hash, label, created_at) VALUES (%s, %s, 'a', 0) RETURNING id",
            self.destination_id,
            secret_hash(new_secret()),
        )

    def sender_token(self) -> int:
        """Of the newest destination."""
        return self.one(
            "INSERT INTO sender_token (destination_id, secret_hash, created_at)"
            " SELECT max(id), %s, 0 FROM destination RETURNING id",
            secret_hash(new_secret()),
        )

    def saved_search(self) -> int:
        return self.one(
            "INSERT INTO saved_search (destination_id, name, query, account_id, created_at)"
            " VALUES (%s, %s, 'error', %s, 0) RETURNING id",
            self.destination_id,
            secrets.token_hex(8),
            self.account_id,
        )

    def mark(self) -> int:
        return self.one(
            "INSERT INTO mark (destination_id, event_id, note, account_id, created_at)"
            " VALUES (%s, %s, 'here', %s, 0) RETURNING id",
            self.destination_id,
            secrets.randbelow(1 << 50),
            self.account_id,
        )


@attrs.frozen
class Example:
    """A request to a route.

    Attributes:
        part: of the path: what ``<id>`` (or ``<name>``, ``<date>``) stands for; made anew for every column.
        fields: of the form, or of the address; ``user_id`` of the owner's destination is always among the latter.
        second: what a second ``<id>`` stands for.
    """

    part: Callable[[Scene], object] = lambda scene: ""
    fields: Callable[[Scene], dict[str, str]] = lambda scene: {}
    second: Callable[[Scene], object] = lambda scene: ""


def _of_destination(**fields: str) -> Example:
    return Example(lambda scene: scene.destination_id, lambda scene: fields)


_OF_UPLOADS = Example(lambda scene: "a", second=lambda scene: "b")

#: Routes whose request needs more than the address.
EXAMPLES = {
    "GET /events/<id>": Example(lambda scene: scene.event_id),
    "POST /login": Example(fields=lambda scene: {"email": scene.owner.email, "password": scene.owner.password}),
    "POST /register": Example(
        fields=lambda scene: {"email": f"{secrets.token_hex(4)}@example.com", "password": "correct horse battery"}
    ),
    "POST /settings/time-zone": Example(fields=lambda scene: {"timeZone": "UTC"}),
    "POST /settings/tokens": Example(fields=lambda scene: {"label": "a program"}),
    "POST /settings/tokens/<id>/delete": Example(lambda scene: scene.token()),
    "POST /settings/drains": Example(
        fields=lambda scene: {"drain_label": "a", "destination": str(scene.destination_id)}
    ),
    "POST /settings/drains/<id>/delete": Example(lambda scene: scene.drain()),
    "POST /settings/destinations/<id>/transport": _of_destination(transport="either"),
    "POST /settings/destinations/<id>/networks": _of_destination(networks=""),
    "POST /settings/destinations/<id>/certificates": _of_destination(certificates=""),
    "POST /settings/destinations/<id>/quota": _of_destination(),
    "POST /settings/destinations/<id>/retention": _of_destination(days="30"),
    "POST /settings/destinations/<id>/test-line": _of_destination(),
    "POST /settings/destinations/<id>/sender-tokens": Example(lambda scene: scene.another_destination()),
    "POST /settings/destinations/<id>/sender-tokens/<id>/delete": Example(
        lambda scene: scene.another_destination(), second=lambda scene: scene.sender_token()
    ),
    "POST /settings/destinations/<id>/close": Example(
        lambda scene: scene.another_destination(),
        lambda scene: {"confirm": f"127.0.0.1:{scene.one('SELECT max(port) FROM destination')}"},
    ),
    "POST /saved": Example(
        fields=lambda scene: {
            "name": secrets.token_hex(8),
            "query": "error",
            "destination": str(scene.destination_id),
        }
    ),
    "POST /saved/<id>/rename": Example(lambda scene: scene.saved_search(), lambda scene: {"name": new_secret()}),
    "POST /saved/<id>/delete": Example(lambda scene: scene.saved_search()),
    "POST /marks/<id>/note": Example(lambda scene: scene.mark(), lambda scene: {"note": "there"}),
    "POST /marks/<id>/delete": Example(lambda scene: scene.mark()),
    "POST /api/saved": Example(fields=lambda scene: {"name": secrets.token_hex(8), "query": "error"}),
    "POST /api/saved/<id>": Example(lambda scene: scene.saved_search(), lambda scene: {"name": new_secret()}),
    "DELETE /api/saved/<id>": Example(lambda scene: scene.saved_search()),
    "POST /api/marks": Example(fields=lambda scene: {"event_id": str(scene.event_id), "note": "here"}),
    "DELETE /api/marks/<id>": Example(lambda scene: scene.mark()),
    "GET /api/events/<id>": Example(lambda scene: scene.event_id),
    "GET /api/events/<id>/context": Example(lambda scene: scene.event_id),
    "GET /api/events/<id>/fields": Example(lambda scene: scene.event_id),
    "POST /api/columns": Example(fields=lambda scene: {"columns": "status"}),
    "GET /api/columns/values": Example(fields=lambda scene: {"ids": str(scene.event_id), "columns": "status"}),
    "GET /api/top-values": Example(fields=lambda scene: {"field": "status"}),
    "GET /api/export/<name>": Example(lambda scene: "owners"),
    "GET /api/archives/<date>": Example(lambda scene: _DAY),
}


@pytest.fixture(scope="module")
def scene(module_dsn: str) -> Iterator[Scene]:
    """A running Ppl with an owner, a member and a stranger, and one of everything."""
    with temporary_directory() as directory:
        archive = directory / "archive"
        for ppl in running(PplProcess(module_dsn, directory, environment={"PPL_ARCHIVE": str(archive)})):
            yield _furnished(ppl, archive)


def _furnished(ppl: PplProcess, archive: Path) -> Scene:
    people = {each: ppl.register(f"{each}@example.com") for each in COLUMNS[1:]}
    owner = people["owner"]
    ppl.rows(
        "INSERT INTO membership SELECT a.id, d.id, 'member' FROM account a, destination d"
        " WHERE a.email = 'member@example.com' AND d.port = %s",
        owner.port,
    )
    ppl.send(owner.port, b"<14>one line of the owner's\n")
    eventually(lambda: ppl.count(owner.port) == 1, "the line stored")
    found = Scene(ppl, people, 0)
    _archive_a_day(found, archive)
    ask(found, "owner", "GET", "/api/export", {"user_id": owner.user_id, "name": "owners"})
    event_id = found.one("SELECT id FROM event WHERE destination_id = %s", found.destination_id)
    return attrs.evolve(found, event_id=event_id)


def _archive_a_day(scene: Scene, place: Path) -> None:
    place.mkdir(exist_ok=True)
    (place / "day.parquet").write_bytes(b"not read by Ppl")
    scene.ppl.rows(
        "INSERT INTO archive (destination_id, day, place, key, rows, bytes, archived_at)"
        " VALUES (%s, 19675, %s, 'day.parquet', 1, 15, 0)",
        scene.destination_id,
        str(place),
    )


def ask(
    scene: Scene, role: str, method: str, path: str, fields: dict[str, str], headers: dict[str, str] | None = None
) -> str:
    """What ``role`` gets: the status, or ``log in`` where the answer leads to the login page."""
    secret = new_secret()
    if role != "nobody":
        # A login of its own: one of the routes ends it.
        _remember(scene, role, secret, "browser")
    cookie = f"{'ppl_form' if role == 'nobody' else 'ppl_session'}={secret}"
    sent = {"Origin": scene.ppl.url, "Cookie": cookie, "X-CSRF-Token": csrf_token(secret)}
    if headers is not None:
        sent = headers
    body = None
    if method in ("GET", "HEAD"):
        path += "?" + urllib.parse.urlencode(fields)
    else:
        body = urllib.parse.urlencode(fields).encode()
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    connection = http.client.HTTPConnection("127.0.0.1", scene.ppl.http_port, timeout=30)
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    location = answer.getheader("Location") or ""
    return "log in" if answer.status == 303 and location.startswith("/login") else str(answer.status)


def example(scene: Scene, route: str) -> tuple[str, dict[str, str]]:
    """The path and the fields of a request to ``route``."""
    chosen = EXAMPLES.get(route, _OF_UPLOADS if route in UPLOADS else Example())
    path = route.partition(" ")[2]
    # What it makes is made once for a path, in the order in which the path names it.
    path = re.sub("<(id|name|date)>", lambda _: str(chosen.part(scene)), path, count=1)
    path = path.replace("<id>", str(chosen.second(scene)))
    fields = chosen.fields(scene)
    is_of_destination = route.startswith(
        ("GET", "POST /api/saved", "POST /api/marks", "POST /api/test-line", "POST /api/columns")
    )
    return path, {"user_id": scene.owner.user_id, **fields} if is_of_destination else fields


@pytest.mark.parametrize("route", table())
def test_each_role_gets_from_a_route_what_the_table_says(scene: Scene, route: str) -> None:
    got = []
    for role in COLUMNS:
        path, fields = example(scene, route)
        before = kept(scene)
        got.append(ask(scene, role, route.partition(" ")[0], path, fields))
        if got[-1] in ("log in", "401", "403", "404"):
            assert kept(scene) == before, "what is refused changes nothing"
    assert dict(zip(COLUMNS, got, strict=True)) == dict(zip(COLUMNS, table()[route], strict=True))


def kept(scene: Scene) -> list[tuple[str, ...]]:
    """All that routes can change, but for the logins of browsers, as text."""
    tables = ("account", "destination", "membership", "drain", "sender_token", "saved_search", "mark")
    parts = [f"SELECT '{each}', t::text FROM {each} AS t" for each in tables]
    parts.append("SELECT 'session', t::text FROM session AS t WHERE kind = 'token'")
    return sorted(scene.ppl.rows(" UNION ALL ".join(parts)))


def test_logging_out_ends_the_session(scene: Scene) -> None:
    secret = new_secret()
    _remember(scene, "owner", secret, "browser")
    there = "SELECT 1 FROM session WHERE secret_hash = %s"
    headers = {"Origin": scene.ppl.url, "Cookie": f"ppl_session={secret}"}
    assert ask(scene, "owner", "POST", "/logout", {}, headers) == "403", "without the form's token"
    assert scene.ppl.rows(there, secret_hash(secret))
    assert ask(scene, "owner", "POST", "/logout", {}, {**headers, "X-CSRF-Token": csrf_token(secret)}) == "log in"
    assert not scene.ppl.rows(there, secret_hash(secret))


@pytest.mark.parametrize("route", sorted(UPLOADS))
def test_where_protocols_upload_no_login_counts(scene: Scene, route: str) -> None:
    # Wrong tokens are counted for each client; behind a proxy, this header names it.
    client = {"X-Forwarded-For": f"192.0.2.{sorted(UPLOADS).index(route)}"}
    for headers in (_bearer(scene, "owner"), {"Origin": scene.ppl.url, "Cookie": scene.owner.cookie_header}):
        before = kept(scene)
        headers = {**headers, **client}
        # A bearer token for reading is a wrong drain token, which some protocols tell from none.
        assert ask(scene, "owner", *route.split(" "), {}, headers) in {table()[route][0], "403"}
        assert kept(scene) == before


@pytest.mark.parametrize(
    "route", [each for each in table() if re.match("POST /(settings|saved/|marks)", each) and each[5:] != "/settings"]
)
def test_the_address_of_a_form_leads_back_to_its_page(scene: Scene, route: str) -> None:
    path, _ = example(scene, route)
    assert ask(scene, "nobody", "GET", path, {}) == "log in"
    for role in COLUMNS[1:]:
        assert ask(scene, role, "GET", path, {}) == "302", role


def test_the_table_has_every_route_of_the_site() -> None:
    workers = Workers(reactor, "", lambda query: query.sql(""))
    settings = default_settings()
    site = make_site(
        AwayStore(), OpenedPorts(), WebSocketServerFactory(), settings, reactor, wall_clock, workers=workers
    )
    routes = [f"{each.method} {_in_words(each.pattern.pattern)}" for each in site.routes]
    of_one_part = {path for _, path in map(str.split, routes) if path.count("/") == 1}
    assert of_one_part <= SITE_ADDRESSES | {"/"}, "none of them could be the name of an index"
    assert len(set(routes)) == len(routes)
    assert set(routes) | UPLOADS == set(table())


def _in_words(pattern: str) -> str:
    for part, word in _PARTS.items():
        pattern = pattern.replace(part, word)
    return pattern


@pytest.mark.parametrize("route", [each for each in table() if each.startswith("GET /api/")])
def test_a_bearer_token_reads_what_its_accounts_browser_reads(scene: Scene, route: str) -> None:
    for role in COLUMNS[1:]:
        bearer = _bearer(scene, role)
        path, fields = example(scene, route)
        expected = table()[route][COLUMNS.index(role)]
        # The version is the page's own question, and a browser's.
        expected = "401" if route == "GET /api/version" else expected
        assert ask(scene, role, "GET", path, fields, bearer) == expected, role


@pytest.mark.parametrize("route", [each for each in table() if not each.startswith("GET") and each not in UPLOADS])
def test_a_bearer_token_changes_nothing(scene: Scene, route: str) -> None:
    method = route.partition(" ")[0]
    path, fields = example(scene, route)
    token = csrf_token(scene.owner.cookies["ppl_session"])
    headers = {"Origin": scene.ppl.url, **_bearer(scene, "owner"), "X-CSRF-Token": token}
    # On the two pages before the login the form's own token is missing.
    expected = {"401", "log in"} if route not in ("POST /login", "POST /register") else {"403"}
    before = kept(scene)
    assert ask(scene, "owner", method, path, fields, headers) in expected
    assert kept(scene) == before


def _bearer(scene: Scene, role: str) -> dict[str, str]:
    secret = new_secret()
    _remember(scene, role, secret, "token")
    return {"Authorization": f"Bearer {secret}"}


def _remember(scene: Scene, role: str, secret: str, kind: str) -> None:
    scene.ppl.rows(
        "INSERT INTO session (account_id, secret_hash, kind, label, created_at, expires_at)"
        " SELECT id, %s, %s, '', 0, %s FROM account WHERE email = %s",
        secret_hash(secret),
        kind,
        None if kind == "token" else wall_clock() + HOUR,
        scene.people[role].email,
    )


@pytest.mark.parametrize("route", [each for each in table() if not each.startswith("GET") and each not in UPLOADS])
def test_another_sites_form_changes_nothing(scene: Scene, route: str) -> None:
    path, fields = example(scene, route)
    before = kept(scene)
    headers = {"Origin": "https://elsewhere.example", "Cookie": scene.owner.cookie_header}
    assert ask(scene, "owner", route.partition(" ")[0], path, fields, headers) == "403"
    headers = {"Origin": scene.ppl.url, "Cookie": scene.owner.cookie_header}
    assert ask(scene, "owner", route.partition(" ")[0], path, fields, headers) == "403", "without the form's token"
    assert kept(scene) == before
