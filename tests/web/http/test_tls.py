"""The site over its own TLS, without a proxy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.endpoints import SSL4ClientEndpoint
from twisted.internet.ssl import CertificateOptions

from ppl.options import default_settings
from ppl.services.clock import wall_clock
from ppl.store.interface import Store
from ppl.web.site import make_site
from tests.web.browsing import speak_to
from tests.web.conftest import OpenedPorts


def certificate() -> CertificateOptions:
    """A self-signed certificate for ``localhost``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return CertificateOptions(key, signed)


@ensureDeferred
async def test_over_tls_cookies_are_secure_and_origins_are_https(store: Store) -> None:
    settings = default_settings(registration="open")
    site = make_site(store, OpenedPorts(), WebSocketServerFactory(), settings, reactor, wall_clock)
    port: Any = reactor.listenSSL(0, site, certificate(), interface="127.0.0.1")
    number = port.getHost().port
    endpoint = SSL4ClientEndpoint(reactor, "127.0.0.1", number, CertificateOptions())
    head = f"HTTP/1.1\r\nHost: localhost:{number}\r\nConnection: close\r\n"
    page = (await speak_to(endpoint, f"GET /login {head}\r\n".encode())).decode()
    assert "\r\nStrict-Transport-Security: max-age=31536000\r\n" in page
    (cookie,) = [line for line in page.split("\r\n") if line.startswith("Set-Cookie: ")]
    assert cookie.startswith("Set-Cookie: __Host-ppl_form=")
    assert cookie.endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
    for origin, refused in (("https", "too old"), ("http", "another site")):
        form = f"POST /login {head}Origin: {origin}://localhost:{number}\r\nContent-Length: 0\r\n\r\n"
        assert refused in (await speak_to(endpoint, form.encode())).decode()
    await port.stopListening()
