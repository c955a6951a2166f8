"""TLS with client certificates that cannot be set up: the log says why once, not for each connection."""

from __future__ import annotations

from pathlib import Path

from ppl.listener.client_certificates import KnownSenders
from ppl.listener.tls import Certificates, self_signed
from ppl.services.clock import wall_clock

_BROKEN = "-----BEGIN CERTIFICATE-----\nbm90IG9uZQ==\n-----END CERTIFICATE-----\n"


def test_a_reason_is_logged_once_until_it_works_again(tmp_path: Path, nothing_left_behind: list[str]) -> None:
    certificates = Certificates(lambda: self_signed(tmp_path, "localhost"), wall_clock)
    certificates.startService()
    senders = KnownSenders(certificates, _BROKEN)
    for _ in range(5):
        connection = senders.serverConnectionForTLS(None)
        assert connection is not None, "it fails at the handshake, and costs no other connection anything"
    (said,) = nothing_left_behind
    assert said.startswith("TLS with client certificates cannot be set up: ")
    nothing_left_behind.clear()
    certificates.stopService()


def test_what_can_be_set_up_is_silent(tmp_path: Path) -> None:
    certificates = Certificates(lambda: self_signed(tmp_path, "localhost"), wall_clock)
    certificates.startService()
    known = (tmp_path / "certificate.pem").read_text("ascii")
    assert KnownSenders(certificates, known).serverConnectionForTLS(None) is not None
    certificates.stopService()
