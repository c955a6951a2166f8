"""The certificate that a port shows, and how it is renewed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ppl.listener.tls import self_signed
from tests.fixtures.programs import program
from tests.fixtures.running import PplProcess


def shown_certificate(port: int) -> str:
    """The certificate that the port shows now, as PEM."""
    done = subprocess.run(
        [program("openssl"), "s_client", "-connect", f"127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=20,
    )  # fmt: skip
    _, begin, rest = done.stdout.decode().partition("-----BEGIN CERTIFICATE-----")
    body, end, _ = rest.partition("-----END CERTIFICATE-----")
    assert end, done.stdout
    return f"{begin}{body}{end}\n"


def renew(ppl: PplProcess, directory: Path, host: str = "127.0.0.1") -> str:
    """Put a new certificate and key where Ppl has the present ones, as a renewal does; gives the certificate."""
    certificate, key = self_signed(directory / "renewed", host)
    text = certificate.read_text()
    key.replace(ppl.certificate.with_name("key.pem"))
    certificate.replace(ppl.certificate)
    return text
