"""``deploy/nginx.conf`` in a real nginx: accepted as it is, and Ppl works behind it."""

from __future__ import annotations

import http.client
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppl.listener.tls import self_signed
from tests.fixtures.programs import end, program
from tests.fixtures.running import ROOT, PplProcess, Registered, eventually, free_ports, running

pytestmark = pytest.mark.peer


def whole(example: str, directory: Path) -> str:
    """A whole configuration with ``example`` in it, which nginx can use anywhere."""
    return (
        f"daemon off;\npid {directory}/nginx.pid;\nerror_log {directory}/error.log;\nevents {{}}\n"
        f"http {{\naccess_log {directory}/access.log;\n"
        + "".join(
            f"{each}_temp_path {directory}/{each};\n" for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"{example}\n}}\n"
    )


@contextmanager
def nginx(ppl: PplProcess, directory: Path) -> Iterator[tuple[int, int]]:
    """nginx before ``ppl``; gives its ports for HTTP and HTTPS."""
    plain, encrypted = free_ports(2)
    certificate, key = self_signed(directory / "nginx", "127.0.0.1")
    example = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    for shown, here in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen [::]:80;", ""),
        ("listen 443 ", f"listen 127.0.0.1:{encrypted} "),
        ("listen [::]:443 ssl http2;", ""),
        ("/etc/letsencrypt/live/logs.example.com/fullchain.pem", str(certificate)),
        ("/etc/letsencrypt/live/logs.example.com/privkey.pem", str(key)),
        ("127.0.0.1:8080", f"127.0.0.1:{ppl.http_port}"),
        ("$host;", "$http_host;"),  # unlike the usual ports, these are part of Host
    ):
        assert shown in example
        example = example.replace(shown, here)
    configuration = directory / "nginx.conf"
    configuration.write_text(whole(example, directory))
    process = subprocess.Popen([program("nginx"), "-c", str(configuration)])
    try:
        eventually((directory / "nginx.pid").exists, "nginx", 20)
        yield plain, encrypted
    finally:
        end(process)


def test_nginx_takes_the_example(short_directory: Path) -> None:
    certificate, key = self_signed(short_directory / "nginx", "127.0.0.1")
    first, second = free_ports(2)
    example = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    example = example.replace("/etc/letsencrypt/live/logs.example.com/fullchain.pem", str(certificate))
    example = example.replace("/etc/letsencrypt/live/logs.example.com/privkey.pem", str(key))
    # Ports below 1024 are root's.
    example = example.replace(":80;", f":{first};").replace("listen 80;", f"listen {first};")
    example = example.replace(":443 ", f":{second} ").replace("listen 443 ", f"listen {second} ")
    configuration = short_directory / "nginx.conf"
    configuration.write_text(whole(example, short_directory))
    checked = subprocess.run(
        [program("nginx"), "-t", "-c", str(configuration)], capture_output=True, text=True, timeout=30
    )
    assert checked.returncode == 0, checked.stderr
    assert "emerg" not in checked.stderr


@pytest.fixture
def proxied(dsn: str, short_directory: Path) -> Iterator[PplProcess]:
    """A running Ppl for nginx to stand before."""
    yield from running(PplProcess(dsn, short_directory))


def test_pages_and_viewers_come_through(proxied: PplProcess, short_directory: Path) -> None:
    who: Registered = proxied.register()
    with nginx(proxied, short_directory) as (plain, encrypted):
        connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=20)
        connection.request("GET", "/dashboard?range=7d", headers={"Host": "logs.example.com"})
        moved = connection.getresponse()
        assert (moved.status, moved.headers["Location"]) == (301, "https://logs.example.com/dashboard?range=7d")
        # nginx says that the browser speaks TLS.
        cookie = who.cookie_header.replace("ppl_session=", "__Host-ppl_session=")
        context = ssl.create_default_context(cafile=str(short_directory / "nginx/certificate.pem"))
        page = http.client.HTTPSConnection("127.0.0.1", encrypted, timeout=20, context=context)
        page.request("GET", "/settings", headers={"Cookie": cookie})
        answer = page.getresponse()
        assert answer.status == 200
        assert who.user_id in answer.read().decode()
        page.request("GET", "/ws", headers={
            "Cookie": cookie, "Upgrade": "websocket",
            "Connection": "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "13",
        })  # fmt: skip
        assert page.getresponse().status == 101


def test_documents_for_elasticsearch_come_through_and_nginx_answers_nothing_while_ppl_is_away(
    proxied: PplProcess, short_directory: Path
) -> None:
    who = proxied.register()
    token = proxied.create_drain(who)
    body = b"".join(
        b'{"create": {}}\n{"message": "document %d %s"}\n' % (number, b"x" * 20_000) for number in range(100)
    )
    with nginx(proxied, short_directory) as (_, encrypted):
        context = ssl.create_default_context(cafile=str(short_directory / "nginx/certificate.pem"))

        def post(path: str) -> http.client.HTTPResponse:
            connection = http.client.HTTPSConnection("127.0.0.1", encrypted, timeout=20, context=context)
            headers = {"Authorization": f"ApiKey {token}", "Content-Type": "application/x-ndjson"}
            connection.request("POST", path, body, headers)
            return connection.getresponse()

        for path in ("/_bulk", "/shop/_bulk", f"/logs/{token}/_bulk"):
            answer = post(path)
            assert (answer.status, b'"errors": true' in answer.read()) == (200, False), path
        assert len(proxied.rows("SELECT 1 FROM event")) == 300
        proxied.stop()
        for path in ("/_bulk", f"/logs/{token}/_bulk"):
            with pytest.raises(http.client.RemoteDisconnected):
                post(path)
