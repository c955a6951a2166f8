"""Lines of sixteen kinds of programs, interleaved as a busy site of some thirty hosts sends them.

Identifiers, numbers, addresses, paths and words vary as they do on such a site: clients and users come back, a request
leaves several lines in several programs, containers and pods live for a while. The same arguments give the same lines.
All values are invented.

Run ``python -m benchmarks.lines`` from the project's root to see how long the lines of each kind are, and how well zstd
packs them. A million lines of real programs (138 bytes each) took 24.7 bytes each in frames of 4,096.
"""

from __future__ import annotations

import argparse
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

from ppl.model import Event
from ppl.zstandard import zstd

#: µs of the first line.
FIRST = 1_790_000_000_000_000

_WORD_LIST = (
    "account address admin alert amount archive article asset audit backup balance basket batch billing booking "
    "bucket cache campaign capture card cart catalog channel charge checkout client cluster comment company "
    "connect consumer contact coupon credit customer dashboard delivery deploy device discount document domain "
    "draft email employee endpoint event export feature feed filter folder forward gateway group health history "
    "image import index invoice item journal keyword label ledger license limit list location login mail manager "
    "market media member message metric mobile monitor network node notice offer order owner package partner "
    "password payment payout person photo plan player policy portal preview price product profile project promo "
    "proxy purchase query queue quota quote rating receipt record refund region release rental report request "
    "result review reward role route sale schedule search section segment sensor session setting shipment signal "
    "snapshot source stock storage store stream summary supplier support survey sync table target task tax team "
    "template tenant ticket token topic tracking trade transfer trial trip update upload usage user vault vendor "
    "version video visit voucher wallet warehouse webhook widget worker workflow zone"
)
_WORDS = _WORD_LIST.split()
_NAME_LIST = "ada ben carla dmitri elena farid grace hiro ines jonas kofi lena mateo nora omar priya quinn rosa sven"
_NAMES = _NAME_LIST.split()
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{w}.{x} Safari",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS {w}_{x} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "curl/8.{x}.0",
    "python-requests/2.{w}.{x}",
    "Go-http-client/2.0",
    "kube-probe/1.{w}",
)
_METHODS = ("GET",) * 14 + ("POST",) * 4 + ("PUT", "DELETE", "HEAD", "PATCH")
_STATUSES = (200,) * 30 + (201, 204, 301, 302, 304, 304, 400, 401, 403, 404, 404, 404, 422, 429, 500, 502, 503)
#: Requests that are under way, and containers and pods that run, at once.
_UNDER_WAY, _PODS = 12, 60


@attrs.frozen
class SiteLine:
    """One line.

    Attributes:
        at: µs since 1970.
        priority: PRI of syslog.
        host: the host's name.
        program: the program's name; ``""``: the device names none.
        message: the text; some have several lines.
    """

    at: int
    priority: int
    host: str
    program: str
    message: str

    @property
    def wire(self) -> bytes:
        """The line as RFC 5424 sends it, without an end; LF within it is as it is."""
        when = datetime.fromtimestamp(self.at / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
        return f"<{self.priority}>1 {when} {self.host} {self.program or '-'} - - - {self.message}".encode()


@attrs.frozen
class _Request:
    """What the lines of one request have in common."""

    uuid: str
    trace: str
    client: str
    user: int
    method: str
    path: str
    status: int


@attrs.frozen
class _Pod:
    name: str
    uid: str
    container: str


class _Site:
    """Draws what occurs in the lines of one site."""

    def __init__(self, seed: int) -> None:
        self.draw = draw = random.Random(seed)
        self.clients = [".".join(str(draw.randrange(1, 255)) for _ in range(4)) for _ in range(1500)]
        self.users = [f"{draw.choice(_NAMES)}.{draw.choice(_NAMES)}{draw.randrange(40)}" for _ in range(300)]
        self.paths = ["/" + "/".join(draw.choice(_WORDS) for _ in range(draw.randrange(1, 4))) for _ in range(150)]
        numbers = [(draw.randrange(100, 132), draw.randrange(12, 32), draw.randrange(10)) for _ in range(40)]
        self.agents = [draw.choice(_AGENTS).format(v=v, w=w, x=x) for v, w, x in numbers]
        self._requests = deque([self._new_request() for _ in range(_UNDER_WAY)], _UNDER_WAY)
        self._pods = deque([self._new_pod() for _ in range(_PODS)], _PODS)

    def _new_request(self) -> _Request:
        path = self.often(self.paths) + (f"/{self.number(10**6)}" if not self.number(3) else "")
        method, status = self.draw.choice(_METHODS), self.draw.choice(_STATUSES)
        client, user = self.often(self.clients), self.number(5000)
        return _Request(self.uuid(), self.hex(16), client, user, method, path, status)

    def _new_pod(self) -> _Pod:
        tail = "".join(self.draw.choices("bcdfghjklmnpqrstvwxz2456789", k=5))
        return _Pod(f"{self.draw.choice(_WORDS)}-{self.hex(9)}-{tail}", self.uuid(), self.hex(64))

    def request(self) -> _Request:
        """One that is under way; each has some six lines, near each other."""
        if not self.number(6):
            self._requests.append(self._new_request())
        return self.draw.choice(self._requests)

    def pod(self) -> _Pod:
        """One that runs; one in fifty lines is of a new one."""
        if not self.number(50):
            self._pods.append(self._new_pod())
        return self.draw.choice(self._pods)

    def often(self, things: Sequence[str]) -> str:
        """One of ``things``, the first of them much more often than the last."""
        return things[int(len(things) * self.draw.random() ** 4)]

    def hex(self, digits: int) -> str:
        return f"{self.draw.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        text = self.hex(32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def number(self, end: int) -> int:
        return self.draw.randrange(end)

    def word(self) -> str:
        return self.often(_WORDS)

    def milliseconds(self) -> int:
        return int(self.draw.lognormvariate(3, 1.1))


Drawn = tuple[int, str, str, str]
"""PRI, host, program, message."""


def _nginx(s: _Site, at: datetime) -> Drawn:
    r = s.request()
    referrer = f"https://shop.example.com{s.often(s.paths)}" if not s.number(3) else "-"
    return (
        190,
        f"web-{s.number(8):02}",
        "nginx",
        (
            f'{r.client} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{r.method} {r.path} HTTP/1.1" {r.status} {s.number(6000)}'
            f' "{referrer}" "{s.agents[r.user % len(s.agents)]}"'
        ),
    )


def _sshd(s: _Site, at: datetime) -> Drawn:
    client, port = s.often(s.clients), 1024 + s.number(64_000)
    return 38, f"bastion-{s.number(2)}", "sshd", s.draw.choice((
        f"Failed password for invalid user {s.word()} from {client} port {port} ssh2",
        f"Accepted publickey for {s.often(s.users)} from {client} port {port} ssh2: ED25519 SHA256:{'q' * 8}",
        f"pam_unix(sshd:session): session {s.draw.choice(('opened', 'closed'))} for user {s.often(s.users)}",
        f"Connection closed by authenticating user root {client} port {port} [preauth]",
    ))  # fmt: skip


def _kernel(s: _Site, at: datetime) -> Drawn:
    up = f"[{(int(at.timestamp()) - 1_780_000_000)}.{at.microsecond:06}]"
    ports = s.draw.choice((22, 23, 80, 443, 3389, 8080, 5432))
    return (
        4,
        f"fw-{s.number(3)}",
        "kernel",
        (
            f"{up} [UFW BLOCK] IN=eth0 OUT= MAC=52:54:00:1a:2b:3c SRC={s.often(s.clients)} DST=10.0.{s.number(4)}.9"
            f" LEN=60 TOS=0x00 PREC=0x00 TTL={s.draw.choice((47, 52, 55, 116))} ID={s.number(65_536)} DF PROTO=TCP"
            f" SPT={s.number(65_536)} DPT={ports} WINDOW=64240 RES=0x00 SYN URGP=0"
            if s.number(3)
            else f"{up} docker0: port {s.number(16)}(veth{s.pod().uid[:7]}) entered blocking state"
        ),
    )


def _java(s: _Site, at: datetime) -> Drawn:
    word, request = s.word(), s.request()
    head = f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03}"
    where = f"[http-nio-8080-exec-{s.number(40)}] com.example.{word}.{word.title()}Service"
    if s.number(25):
        done = s.draw.choice(("created", "loaded", "updated", "validated"))
        said = f"{word} {done} for customer {request.user} in {s.milliseconds()} ms"
        return 14, f"app-{s.number(12):02}", "orders", f"{head} INFO  {where} - {said}"
    frames = "".join(
        f"\n\tat com.example.{each}.{each.title()}Service.{other}({each.title()}.java:{len(each) * len(other)})"
        for each, other in ((s.word(), s.word()) for _ in range(4 + s.number(14)))
    )
    fault = f"java.lang.IllegalStateException: {word} {request.user} is locked{frames}"
    return 11, f"app-{s.number(12):02}", "orders", f"{head} ERROR {where} - Request {request.uuid} failed\n{fault}"


def _json(s: _Site, at: datetime) -> Drawn:
    r = s.request()
    level = s.draw.choice(("info", "info", "info", "debug", "warn", "error"))
    text = f"{s.word()} {s.draw.choice(('done', 'started', 'failed', 'retried'))}"
    return (
        14,
        f"api-{s.number(10):02}",
        "checkout",
        (
            f'{{"level":"{level}","ts":"{at.isoformat(timespec="milliseconds")}Z","msg":"{text}","request_id":"{r.uuid}"'
            f',"user_id":{r.user},"path":"{r.path}","status":{r.status},"duration_ms":{s.milliseconds()}}}'
        ),
    )


def _logfmt(s: _Site, at: datetime) -> Drawn:
    r = s.request()
    return (
        14,
        f"api-{s.number(10):02}",
        "payments",
        (
            f'time="{at.isoformat(timespec="seconds")}Z" level={s.draw.choice(("info", "info", "warning", "error"))}'
            f' msg="{s.word()} {s.word()}" component={s.word()} tenant={r.user % 200} trace={r.trace}'
            f" amount={s.number(20_000) / 100} took={s.milliseconds()}ms"
        ),
    )


def _kubelet(s: _Site, at: datetime) -> Drawn:
    pod = s.pod()
    file, line, text = s.draw.choice((
        ("pod_startup_latency_tracker", 104, "Observed pod startup duration"),
        ("kubelet", 2453, "SyncLoop (PLEG): event for pod"),
        ("prober", 107, "Probe failed"),
        ("reconciler_common", 218, "operationExecutor.MountVolume started"),
    ))  # fmt: skip
    return (
        30,
        f"node-{pod.uid[0]}",
        "kubelet",
        (
            f'I{at:%m%d %H:%M:%S.%f}    1187 {file}.go:{line}] "{text}" pod="shop/{pod.name}" podUID="{pod.uid}"'
            f' containerName="{s.word()}"'
        ),
    )


def _postgres(s: _Site, at: datetime) -> Drawn:
    word = s.word()
    return 134, f"db-{s.number(4)}", "postgres", (
        f"[{1 + s.number(900)}-1] shop@{word} LOG:  duration: {s.milliseconds()}.{s.number(1000):03} ms  "
    ) + s.draw.choice((
        f"execute <unnamed>: SELECT id, name, updated_at FROM {word} WHERE tenant_id = $1 AND id = $2",
        f"statement: UPDATE {word} SET state = 'done', updated_at = now() WHERE id = {s.request().user}",
        f"parse S_{s.number(90)}: INSERT INTO {word}_{s.word()} (id, payload) VALUES ($1, $2) RETURNING id",
    ))  # fmt: skip


def _haproxy(s: _Site, at: datetime) -> Drawn:
    r = s.request()
    times = f"0/0/{s.number(3)}/{s.milliseconds()}/{s.milliseconds()}"
    return (
        134,
        f"lb-{s.number(2)}",
        "haproxy",
        (
            f"{r.client}:{1024 + s.number(64_000)} [{at:%d/%b/%Y:%H:%M:%S}.{at.microsecond // 1000:03}] https~"
            f" shop/app-{s.number(12):02} {times} {r.status} {s.number(6000)} - - ---- {s.number(40)}/3/1/0"
            f' "{r.method} {r.path} HTTP/2.0"'
        ),
    )


def _dockerd(s: _Site, at: datetime) -> Drawn:
    pod = s.pod()
    text = s.draw.choice(("ignoring event", "shim disconnected", "cleaning up dead shim"))
    topic = s.draw.choice(("delete", "exit", "start"))
    return (
        30,
        f"node-{pod.uid[0]}",
        "dockerd",
        (
            f'time="{at.isoformat(timespec="microseconds")}Z" level=info msg="{text}" container={pod.container}'
            f' module=libcontainerd namespace=moby topic=/tasks/{topic} type="*events.Task{topic.title()}"'
        ),
    )


def _cron(s: _Site, at: datetime) -> Drawn:
    return 78, f"web-{s.number(8):02}", "CRON", f"(root) CMD (/usr/local/bin/{s.word()}-{s.word()} --quiet --since 15m)"


def _postfix(s: _Site, at: datetime) -> Drawn:
    delay = f"{s.milliseconds() / 100:.2f}"
    return (
        22,
        "mail-1",
        "postfix/smtp",
        (
            f"{s.number(2**40):010X}: to=<{s.often(s.users)}@{s.word()}.example>, relay=mx{s.number(4)}.example.net"
            f"[192.0.2.{s.number(8)}]:25, delay={delay}, delays=0.01/0/0.05/{delay}, dsn=2.0.0, status=sent (250 Ok)"
        ),
    )


def _systemd(s: _Site, at: datetime) -> Drawn:
    word = s.word()
    return 30, f"app-{s.number(12):02}", "systemd", s.draw.choice((
        f"Started session-{s.number(9000)}.scope - Session of User {s.often(s.users)}.",
        f"{word}-{s.word()}.service: Deactivated successfully.",
        f"Starting {word}-{s.word()}.service - {word.title()} of {s.word()}...",
        f"{word}.service: Consumed {s.milliseconds()}.{s.number(1000):03}s CPU time.",
    ))  # fmt: skip


def _audit(s: _Site, at: datetime) -> Drawn:
    word = s.word()
    return (
        13,
        f"bastion-{s.number(2)}",
        "audit",
        (
            f"type=SYSCALL msg=audit({at.timestamp():.3f}:{s.number(10**5)}): syscall={s.draw.choice((2, 59, 257))}"
            f" success=yes exit=3 a0=ffffff9c a1=7ffd{s.hex(8)} a2=0 a3=0 items=1 ppid={1000 + s.number(500)}"
            f' pid={1000 + s.number(30_000)} auid={1000 + s.number(20)} uid=0 gid=0 ses={s.number(90)} comm="{word}"'
            f' exe="/usr/bin/{word}" key="access"'
        ),
    )


def _rails(s: _Site, at: datetime) -> Drawn:
    r = s.request()
    times = f"(Views: {s.milliseconds()}.{s.number(10)}ms | ActiveRecord: {s.milliseconds()}.{s.number(10)}ms)"
    return 14, f"app-{s.number(12):02}", "rails", f"[{r.uuid}] " + s.draw.choice((
        f"Completed {r.status} OK in {s.milliseconds()}ms {times}",
        f'Started {r.method} "{r.path}" for {r.client} at {at:%Y-%m-%d %H:%M:%S} +0000',
        f"Processing by {r.path.split('/')[1].title()}sController#{s.draw.choice(('index', 'show', 'create'))} as JSON",
    ))  # fmt: skip


def _switch(s: _Site, at: datetime) -> Drawn:
    return 189, f"sw-{s.number(30):02}", "", s.draw.choice((
        f"%LINEPROTO-5-UPDOWN: Line protocol on Interface GigabitEthernet1/0/{s.number(48)}, changed state to down",
        f"%SEC-6-IPACCESSLOGP: list 101 denied tcp {s.often(s.clients)}({s.number(65_536)}) -> 10.0.1.9(443)",
        f"%DOT1X-5-FAIL: Authentication failed for (5254.{s.hex(4)}.{s.hex(4)}) on Interface Gi1/0/{s.number(48)}",
    ))  # fmt: skip


#: How often each kind occurs in a hundred lines.
_KINDS: tuple[tuple[int, Callable[[_Site, datetime], Drawn]], ...] = (
    (22, _nginx), (7, _sshd), (6, _kernel), (8, _java), (9, _json), (6, _logfmt), (6, _kubelet), (7, _postgres),
    (7, _haproxy), (2, _dockerd), (4, _cron), (4, _postfix), (5, _systemd), (2, _audit), (3, _rails), (2, _switch),
)  # fmt: skip


def site_lines(count: int, seed: int = 1) -> Iterator[SiteLine]:
    """``count`` lines, about a thousand a second, their times in order and no two the same.

    Args:
        count: how many.
        seed: another seed gives other values, of another site.
    """
    site = _Site(seed)
    kinds = [kind for weight, kind in _KINDS for _ in range(weight)]
    at = FIRST
    for _ in range(count):
        at += 1 + site.number(2000)
        moment = datetime.fromtimestamp(at / 1e6, UTC).replace(tzinfo=None)
        yield SiteLine(at, *site.draw.choice(kinds)(site, moment))


def site_rows(count: int, seed: int = 1) -> list[tuple[Any, ...]]:
    """The lines of :func:`site_lines` as values of events; some programs name times in µs, others in ms or seconds."""
    draw = random.Random(seed)
    units: dict[str, int] = {}
    rows = []
    for line in site_lines(count, seed):
        unit = units.setdefault(line.program, draw.choice((1_000_000, 1_000, 1)))
        created_at = (line.at - draw.randrange(50, 900)) // unit * unit
        address = f"192.0.2.{sum(line.host.encode()) % 200}"
        process = sum(line.host.encode()) * 7 + len(line.program)
        procid = "" if line.program in ("", "kernel") else str(process)
        if line.program in ("sshd", "CRON", "postgres"):
            procid = str(draw.randrange(300, 30_000))
        event = Event(
            line.at, created_at, address, line.program, line.message, line.host, procid,
            facility=line.priority >> 3, severity=line.priority & 7,
        )  # fmt: skip
        rows.append(attrs.astuple(event))
    return rows


def packed_bytes(messages: Sequence[str], size: int) -> int:
    """Bytes of all messages in frames of ``size``, each packed by zstd at level 3."""
    frames = ("\0".join(messages[first : first + size]).encode() for first in range(0, len(messages), size))
    return sum(len(zstd.compress(frame, 3)) for frame in frames)


def main() -> None:
    """Print for each program: its share of the lines, their bytes, and their bytes when packed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    arguments = parser.parse_args()
    messages: dict[str, list[str]] = defaultdict(list)
    for line in site_lines(arguments.lines):
        messages[line.program or "(a switch)"].append(line.message)
        messages["all"].append(line.message)
    for program, texts in sorted(messages.items(), key=lambda each: -len(each[1])):
        size, packed = sum(map(len, texts)) / len(texts), packed_bytes(texts, 4096) / len(texts)
        print(f"{program:14} {len(texts) / arguments.lines:6.1%} {size:6.0f} bytes {packed:6.1f} packed")


if __name__ == "__main__":
    main()
