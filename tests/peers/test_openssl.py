"""``openssl s_client`` as a sender: a line typed into it arrives, and only where TLS is taken and trusted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ppl.listener.tls import self_signed
from tests.fixtures.programs import program
from tests.fixtures.running import PplProcess, eventually
from tests.fixtures.watching import Viewer
from tests.peers.certificates import renew, shown_certificate

pytestmark = pytest.mark.peer

LINES = [
    "<13>1 - web-01 app - - - first",
    "plain text",
    "Ünïcödé ✓ 日本語",
    *[f"line {number}" for number in range(200)],
]
TEXTS = ["first", *LINES[1:]]


def s_client(port: int, *options: str) -> list[str]:
    return [program("openssl"), "s_client", "-quiet", *options, "-connect", f"127.0.0.1:{port}"]


@contextmanager
def connected(port: int, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """An ``s_client`` that stays connected, to be written to."""
    process = subprocess.Popen(
        s_client(port, *options), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=20)


def write(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.flush()


def newline_terminated(line: str) -> bytes:
    return line.encode() + b"\n"


def counted(line: str) -> bytes:
    return b"%d %s" % (len(line.encode()), line.encode())


@pytest.mark.parametrize("frame", [newline_terminated, counted])
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_what_is_piped_into_it_arrives(module_ppl: PplProcess, version: str, frame: object) -> None:
    assert callable(frame)
    who = module_ppl.register()
    with Viewer(module_ppl.url, who) as viewer, connected(who.port, version) as sender:
        viewer.identify(batch=True)
        write(sender, b"".join(frame(line) for line in LINES))
        seen = viewer.live(len(LINES))
    assert [event["message"] for event in seen] == TEXTS
    assert {event["sender_ip"] for event in seen} == {"127.0.0.1"}
    assert module_ppl.messages(who.port) == TEXTS


def test_the_certificate_is_believed_by_those_who_were_given_it_and_by_nobody_else(
    module_ppl: PplProcess, short_directory: Path
) -> None:
    who = module_ppl.register()
    verifying = ["-verify_return_error", "-verify_ip", "127.0.0.1", "-no_ign_eof"]
    other, _ = self_signed(short_directory / "other", "127.0.0.1")
    for trusted, line, verifies in ((other, b"refused\n", False), (module_ppl.certificate, b"believed\n", True)):
        done = subprocess.run(
            s_client(who.port, *verifying, "-CAfile", str(trusted)), input=line, timeout=20, capture_output=True
        )
        assert (done.returncode == 0) is verifies, done.stderr
    eventually(lambda: module_ppl.messages(who.port) == ["believed"], "the line of the one that verified")


def test_a_destination_takes_what_its_owner_decided(module_ppl: PplProcess) -> None:
    who = module_ppl.register()
    module_ppl.set_transport(who, "tls")
    with Viewer(module_ppl.url, who) as viewer:
        viewer.identify()
        module_ppl.send(who.port, b"plain, refused\n")
        with connected(who.port) as sender:
            write(sender, b"encrypted\n")
            assert [event["message"] for event in viewer.live(1)] == ["encrypted"]
            module_ppl.set_transport(who, "plain")
            eventually(lambda: sender.poll() is not None, "the open connection ended")
        refused = subprocess.run(s_client(who.port), input=b"encrypted, refused\n", timeout=20, capture_output=True)
        assert refused.returncode != 0
        module_ppl.send(who.port, b"plain\n")
        assert [event["message"] for event in viewer.live(1)] == ["plain"]
    assert module_ppl.messages(who.port) == ["encrypted", "plain"]


def test_a_new_certificate_is_shown_without_a_restart(ppl_process: PplProcess, short_directory: Path) -> None:
    who = ppl_process.register()
    former = ppl_process.certificate.read_text()
    assert shown_certificate(who.port) == former
    with Viewer(ppl_process.url, who) as viewer, connected(who.port) as sender:
        viewer.identify()
        write(sender, b"before\n")
        viewer.live(1)
        renewed = renew(ppl_process, short_directory)
        assert renewed != former
        eventually(lambda: shown_certificate(who.port) == renewed, "the new certificate")
        write(sender, b"after, on the connection of before\n")
        viewer.live(1)
    ppl_process.certificate.write_text("no certificate\n")
    eventually(
        lambda: (
            shown_certificate(who.port) == renewed and "cannot be used, the previous one stays" in ppl_process.text()
        ),
        "the former certificate, and a word in the log",
    )


def test_the_settings_page_shows_the_fingerprint_of_the_certificate_that_the_port_shows(
    ppl_process: PplProcess, short_directory: Path
) -> None:
    who = ppl_process.register()
    fingerprints = []
    for _ in range(2):
        command = [program("openssl"), "x509", "-noout", "-fingerprint", "-sha256"]
        said = subprocess.run(
            command, input=shown_certificate(who.port), text=True, capture_output=True, check=True
        ).stdout
        fingerprints.append(said.strip().partition("=")[2])
        eventually(lambda: fingerprints[-1] in ppl_process.page(who, "/settings"), "the fingerprint on the page")
        renewed = renew(ppl_process, short_directory)
        eventually(lambda renewed=renewed: shown_certificate(who.port) == renewed, "the new certificate")
    assert fingerprints[0] != fingerprints[1]
    assert fingerprints[0] in ppl_process.text()
