"""Real rsyslog with omrelp: everything arrives, over TLS too, and what was not acknowledged is sent again."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from ppl.listener.tls import self_signed
from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer
from tests.peers.rsyslogd import LINES, needs, rsyslog

pytestmark = pytest.mark.peer

#: Messages that librelp has sent and knows no answer to, at most.
WINDOW = 128


def omrelp(port: int, more: str = "") -> str:
    return f'type="omrelp" target="127.0.0.1" port="{port}" template="RSYSLOG_SyslogProtocol23Format" {more}'


def above(library: str | None) -> str:
    return f'module(load="omrelp" tls.tlslib="{library or "gnutls"}")'


def secured(ppl: PplProcess, directory: Path, library: str) -> str:
    verifying = f'tls="on" tls.caCert="{ppl.certificate}" tls.authMode="name" tls.permittedPeer=["127.0.0.1"]'
    if library == "openssl":
        return verifying
    # With GnuTLS librelp offers ciphers without a certificate only, unless it has one of its own.
    certificate, key = self_signed(directory / "client", "client")
    return f'{verifying} tls.myCert="{certificate}" tls.myPrivKey="{key}"'


@pytest.mark.parametrize("library", [None, "gnutls", "openssl"], ids=["plain", "tls-gnutls", "tls-openssl"])
def test_every_line_of_a_followed_file_arrives_whole(
    module_ppl: PplProcess, short_directory: Path, library: str | None
) -> None:
    needs("omrelp")
    who = module_ppl.register()
    action = omrelp(who.port)
    if library is not None:
        module_ppl.set_transport(who, "tls")
        action = omrelp(who.port, secured(module_ppl, short_directory, library))
    with Viewer(module_ppl.url, who) as viewer, rsyslog(short_directory, action, above(library)) as sender:
        viewer.identify(batch=True)
        sender.write(LINES)
        seen = viewer.live(len(LINES))
    assert [event["message"] for event in seen] == LINES
    assert {(event["severity"], event["facility"], event["file_name"]) for event in seen} == {
        ("warning", "local3", "nginx-access")
    }
    assert module_ppl.messages(who.port) == LINES


@pytest.mark.long
@pytest.mark.beside
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
@pytest.mark.parametrize("library", [None, "openssl"], ids=["plain", "tls-openssl"])
def test_nothing_is_lost_when_ppl_ends_in_the_middle(
    ppl_process: PplProcess, short_directory: Path, library: str | None, number: int
) -> None:
    needs("omrelp")
    who = ppl_process.register()
    lines = [f"line {each}" for each in range(20_000)]
    action = omrelp(who.port, secured(ppl_process, short_directory, library) if library else "")
    with rsyslog(short_directory, action, above(library)) as sender:
        sender.write(lines[:10_000])
        eventually(lambda: ppl_process.rows("SELECT count(*) FROM event")[0][0] > 1000, "the first lines")
        ppl_process.stop(number=number)
        stored = ppl_process.count(who.port)
        sender.write(lines[10_000:])
        ppl_process.start()
        eventually(lambda: lines[-1] in ppl_process.messages(who.port)[-1:], "the last line", 90)
    times = Counter(ppl_process.messages(who.port))
    assert set(times) == set(lines), "nothing is lost, nothing comes in between"
    assert stored < len(lines)
    assert sum(times.values()) - len(lines) <= WINDOW, "what was stored and not answered comes again, nothing else"


def test_a_handshake_that_fails_is_logged_with_the_reason(ppl_process: PplProcess, short_directory: Path) -> None:
    needs("omrelp")
    who = ppl_process.register()
    # Without a certificate of its own, and with GnuTLS, it offers nothing but anonymous ciphers.
    with rsyslog(short_directory, omrelp(who.port, 'tls="on"'), above("gnutls")) as sender:
        sender.write(["for nobody"])
        eventually(lambda: "its TLS handshake failed (no shared cipher)" in ppl_process.text(), "the reason")
    assert ppl_process.count(who.port) == 0
