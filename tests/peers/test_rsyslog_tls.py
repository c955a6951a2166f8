"""Real rsyslog over TLS, octet-counted as RFC 5425 has it, with each of its drivers; Ppl shows its own certificate."""

from __future__ import annotations

from pathlib import Path

import pytest

from ppl.listener.tls import self_signed
from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer
from tests.peers.certificates import renew, shown_certificate
from tests.peers.rsyslogd import LINES, needs, rsyslog

pytestmark = pytest.mark.peer

DRIVERS = pytest.mark.parametrize("driver", ["gtls", "ossl"])
REFUSALS = {"gtls": "not permitted to talk to peer", "ossl": "certificate verify failed"}


def omfwd(port: int, driver: str, peers: str | None) -> str:
    """Encrypted forwarding; ``peers`` is the name that the certificate must have, ``None`` takes any certificate."""
    check = f'"x509/name" StreamDriverPermittedPeers="{peers}"' if peers else '"anon"'
    return (
        f'type="omfwd" target="127.0.0.1" port="{port}" protocol="tcp" TCP_Framing="octet-counted"'
        f' template="RSYSLOG_SyslogProtocol23Format" StreamDriver="{driver}" StreamDriverMode="1"'
        f" StreamDriverAuthMode={check}"
    )


def trusting(driver: str, certificate: Path) -> str:
    """What stands above: the certificate that is believed."""
    return f'global(DefaultNetstreamDriver="{driver}" DefaultNetstreamDriverCAFile="{certificate}")'


@DRIVERS
@pytest.mark.parametrize("peers", [None, "127.0.0.1"], ids=["anonymous", "verified"])
def test_every_line_arrives_encrypted(
    module_ppl: PplProcess, short_directory: Path, driver: str, peers: str | None
) -> None:
    needs(f"lmnsd_{driver}")
    who = module_ppl.register()
    module_ppl.set_transport(who, "tls")
    action, above = omfwd(who.port, driver, peers), trusting(driver, module_ppl.certificate)
    with Viewer(module_ppl.url, who) as viewer, rsyslog(short_directory, action, above) as sender:
        viewer.identify(batch=True)
        sender.write(LINES)
        seen = viewer.live(len(LINES))
    assert [event["message"] for event in seen] == LINES
    assert {(event["severity"], event["facility"], event["file_name"]) for event in seen} == {
        ("warning", "local3", "nginx-access")
    }
    assert module_ppl.messages(who.port) == LINES


@DRIVERS
def test_a_name_is_verified_on_a_certificate_that_came_meanwhile(
    ppl_process: PplProcess, short_directory: Path, driver: str
) -> None:
    needs(f"lmnsd_{driver}")
    who = ppl_process.register()
    renewed = renew(ppl_process, short_directory, "logs.example.com")
    eventually(lambda: shown_certificate(who.port) == renewed, "the new certificate")
    action, above = omfwd(who.port, driver, "logs.example.com"), trusting(driver, ppl_process.certificate)
    with rsyslog(short_directory, action, above) as sender:
        sender.write(["hello"])
        eventually(lambda: ppl_process.messages(who.port) == ["hello"], "the line")


@DRIVERS
def test_rsyslog_does_not_send_where_it_does_not_trust(
    module_ppl: PplProcess, short_directory: Path, driver: str
) -> None:
    needs(f"lmnsd_{driver}")
    who = module_ppl.register()
    believed, _ = self_signed(short_directory / "other", "127.0.0.1")
    with rsyslog(short_directory, omfwd(who.port, driver, "127.0.0.1"), trusting(driver, believed)) as sender:
        sender.write(["for nobody else"])
        eventually(lambda: REFUSALS[driver] in sender.said(), "rsyslog says that it does not trust the certificate")
    assert module_ppl.count(who.port) == 0
