"""A port detects from the first bytes what is spoken (plain lines, RELP, TLS around either) and applies its policy."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any

import attrs
import pytest
import pytest_twisted
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.ssl import ClientContextFactory

from ppl.listener.tls import Certificates, begins_handshake, self_signed
from ppl.services.clock import wall_clock
from ppl.sources.known import stream_kind
from tests.listener.conftest import MakeDestination, MakeReceiving
from tests.listener.receiving import GatedStore, Receiving, connect, messages, send
from tests.waiting import turns, until

OPEN = b"1 open 49 relp_version=0\nrelp_software=test\ncommands=syslog\n"


class TlsClient(ClientContextFactory):
    """Accepts any certificate."""

    method = SSL.TLS_CLIENT_METHOD
    _contextFactory = SSL.Context

    def getContext(self) -> SSL.Context:
        return SSL.Context(SSL.TLS_CLIENT_METHOD)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    made = Certificates(lambda: self_signed(tmp_path, "localhost"), wall_clock)
    made.startService()
    return made


async def opened(store: Any, receiving: Receiving, destination: Any, transport: str = "either") -> Any:
    destination = attrs.evolve(destination, transport=transport)
    receiving.ports.open(destination)
    await until(lambda: receiving.reported, "an open port")
    return destination


async def secured(port: int) -> Any:
    """A sender over TLS."""
    sender = await connect(port)
    sender.transport.startTLS(TlsClient())
    return sender


def count(receiving: Receiving) -> int:
    return sum(map(len, receiving.announced))


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x16\x03\x01\x02\x00", "tls"),
        (b"\x16", "undecided"),
        (b"\x16\x02", "syslog lines"),
        (b"1 open 5 ", "RELP"),
        (b"1 ope", "undecided"),
        (b"12", "undecided"),
        (b"12 ", "undecided"),
        (b"12 <13>", "syslog lines"),
        (b"1 openness\n", "syslog lines"),
        (b"1234567890", "syslog lines"),
        (b"<13>", "syslog lines"),
        (b"POST / HTTP/1.1", "syslog lines"),
    ],
)
def test_the_first_bytes_tell_what_is_spoken(start: bytes, kind: str) -> None:
    is_tls = begins_handshake(start)
    spoken = stream_kind(start)
    told = "tls" if is_tls else "undecided" if is_tls is None or spoken is None else spoken.name
    assert told == kind


@pytest.mark.parametrize("start", [b"12", b"1 ope", b"\x16"])
@pytest_twisted.ensureDeferred
async def test_a_connection_that_ends_undecided_leaves_its_bytes_as_a_line(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, start: bytes
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(store, receiving, await make_destination())
    await send(destination.port, start)
    await until(lambda: count(receiving), "the line")
    assert await messages(store, destination) == [start.decode()]


@pytest_twisted.ensureDeferred
async def test_relp_is_acknowledged_after_the_commit_and_never_before(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated)
    destination = await opened(store, receiving, await make_destination())
    gated.shut = True
    sender = await connect(destination.port)
    sender.transport.write(OPEN[:3])
    sender.transport.write(OPEN[3:] + b"2 syslog 21 <13>1 - h a - - - one\n3 syslog 3 two\n")
    await until(lambda: b"relp_software=ppl" in sender.data, "the offers")
    await turns(20)
    assert b"2 rsp" not in sender.data
    gated.open()
    await until(lambda: sender.data.endswith(b"2 rsp 6 200 OK\n3 rsp 6 200 OK\n"), "both answers")
    assert await messages(store, destination) == ["one", "two"]
    sender.transport.write(b"4 close 0\n")
    await sender.gone
    assert sender.data.endswith(b"4 rsp 0\n0 serverclose 0\n")


@pytest_twisted.ensureDeferred
async def test_closing_a_port_answers_what_relp_clients_are_owed_and_tells_them(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated)
    destination = await opened(store, receiving, await make_destination())
    gated.shut = True
    sender = await connect(destination.port)
    sender.transport.write(OPEN + b"2 syslog 3 one\n")
    await until(lambda: gated.batches, "the line in flight")
    closing = Deferred.fromCoroutine(receiving.ports.close(destination))
    await turns(20)
    gated.open()
    await closing
    await sender.gone
    assert sender.data.endswith(b"2 rsp 6 200 OK\n0 serverclose 0\n")


@pytest_twisted.ensureDeferred
async def test_what_is_no_relp_ends_the_connection_and_keeps_what_came_before(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    receiving = await make_receiving(store)
    destination = await opened(store, receiving, await make_destination())
    sender = await connect(destination.port)
    sender.transport.write(OPEN + b"2 syslog 4 good\nrubbish\n")
    await sender.gone
    assert b"2 rsp 6 200 OK\n" in sender.data
    assert await messages(store, destination) == ["good"]


@pytest_twisted.ensureDeferred
async def test_a_relp_client_that_sends_empty_messages_without_end_is_held_back(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated)
    destination = await opened(store, receiving, await make_destination())
    gated.shut = True
    sender = await connect(destination.port)
    sender.transport.write(OPEN + b"2 syslog 3 one\n" + b"3 syslog 0\n" * 200_000)
    intake = receiving.intake_of(destination)
    await until(
        lambda: intake.connections and "window" in next(iter(intake.connections)).held_by,
        "a full window",
    )
    gated.open()
    await until(lambda: sender.data.count(b" rsp ") == 200_002, "every answer", 30)
    sender.transport.loseConnection()
    await sender.gone


@pytest.mark.parametrize("policy", ["either", "tls"])
@pytest_twisted.ensureDeferred
async def test_tls_is_found_out_and_carries_lines_and_relp(
    store: Any,
    make_destination: MakeDestination,
    make_receiving: MakeReceiving,
    certificates: Certificates,
    policy: str,
) -> None:
    receiving = await make_receiving(store, certificates)
    destination = await opened(store, receiving, await make_destination(), policy)
    lines = await secured(destination.port)
    lines.transport.write(b"21 <13>1 - h a - - - one" + b"21 <13>1 - h a - - - two")
    await until(lambda: count(receiving) == 2, "the lines")
    lines.transport.loseConnection()
    await lines.gone
    relp = await secured(destination.port)
    relp.transport.write(OPEN + b"2 syslog 5 three\n")
    await until(lambda: relp.data.endswith(b"2 rsp 6 200 OK\n"), "the answer")
    relp.transport.loseConnection()
    await relp.gone
    assert await messages(store, destination) == ["one", "two", "three"]


@pytest_twisted.ensureDeferred
async def test_a_policy_of_tls_takes_nothing_in_the_clear(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    receiving = await make_receiving(store, certificates)
    destination = await opened(store, receiving, await make_destination(), "tls")
    for data in (b"<13>1 - h a - - - secret\n", OPEN, b"\x16\x02nonsense\n"):
        sender = await connect(destination.port)
        sender.transport.write(data)
        await sender.gone
        assert sender.data == b""
    await send(destination.port, b"12")
    assert await messages(store, destination) == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", destination.port))


@pytest_twisted.ensureDeferred
async def test_a_policy_of_plain_takes_no_tls(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    receiving = await make_receiving(store, certificates)
    destination = await opened(store, receiving, await make_destination(), "plain")
    sender = await secured(destination.port)
    sender.transport.write(b"x\n")
    await sender.gone
    assert await messages(store, destination) == []


@pytest_twisted.ensureDeferred
async def test_garbage_after_a_tls_start_costs_that_connection_only(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    receiving = await make_receiving(store, certificates)
    destination = await opened(store, receiving, await make_destination())
    sender = await connect(destination.port)
    sender.transport.write(b"\x16\x03\x01\x00\x05garbage without any end" * 100)
    await sender.gone
    await send(destination.port, b"fine\n")
    await until(lambda: count(receiving), "the line")
    assert await messages(store, destination) == ["fine"]


@pytest.mark.parametrize("pause", [False, True])
@pytest_twisted.ensureDeferred
async def test_a_handshake_without_an_end_is_ended_before_it_holds_much(
    store: Any,
    make_destination: MakeDestination,
    make_receiving: MakeReceiving,
    certificates: Certificates,
    pause: bool,
) -> None:
    receiving = await make_receiving(store, certificates)
    destination = await opened(store, receiving, await make_destination())
    sender = await connect(destination.port)
    # The beginning of a ClientHello of 131,000 bytes, which OpenSSL would wait for.
    hello = b"\x01\x01\xff\xb8\x03\x03" + b"y" * 131_000
    records = b"".join(b"\x16\x03\x01\x10\x00" + hello[at : at + 4096] for at in range(0, 126_976, 4096))
    if pause:
        sender.transport.write(records[:20])
        await until(lambda: receiving.intake_of(destination).connections, "the connection")
        (receiver,) = receiving.intake_of(destination).connections
        await until(lambda: receiver.is_secure, "the beginning of a handshake")
        records = records[20:]
    sender.transport.write(records)
    await sender.gone
    await until(lambda: not receiving.intake_of(destination).connections, "no connection")


@pytest_twisted.ensureDeferred
async def test_a_full_queue_holds_a_tls_sender_too_and_loses_nothing(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    gated = GatedStore(store)
    receiving = await make_receiving(gated, certificates, queue_bytes=2_000_000)
    destination = await opened(store, receiving, await make_destination())
    gated.shut = True
    sender = await secured(destination.port)
    sender.transport.write(b"".join(b"line %06d %s\n" % (number, b"x" * 200) for number in range(40_000)))
    await until(lambda: receiving.writer.waiting_bytes > 2_000_000, "a full queue")
    await turns(100)
    assert receiving.writer.waiting_events < 5_000, "bounded, whatever is sent"
    gated.open()
    sender.transport.loseConnection()
    await until(lambda: count(receiving) == 40_000, "every line", 30)
    await sender.gone


@pytest_twisted.ensureDeferred
async def test_a_new_certificate_serves_new_connections_and_a_broken_one_does_not(
    tmp_path: Path, nothing_left_behind: list[str]
) -> None:
    now = wall_clock()
    certificate, key = self_signed(tmp_path / "one", "one")
    other, other_key = self_signed(tmp_path / "two", "two")
    certificates = Certificates(lambda: (certificate, key), lambda: now)
    certificates.startService()
    first = certificates.current()
    assert certificates.current() is first
    certificate.write_bytes(b"rubbish")
    now += 2_000_000
    assert certificates.current() is first
    assert "the previous one stays" in nothing_left_behind.pop()
    certificate.write_bytes(other.read_bytes())
    key.write_bytes(other_key.read_bytes())
    now += 2_000_000
    assert certificates.current() is not first


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_sender_that_only_writes_leaves_nothing_unread(certificates: Certificates, version: ssl.TLSVersion) -> None:
    # Linux resets a connection that is closed with something unread, and what was still to be sent is lost.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client, server = context.wrap_bio(incoming, outgoing), certificates.serverConnectionForTLS(None)
    shaken = False
    while not shaken:
        try:
            client.do_handshake()
            shaken = True
        except ssl.SSLWantReadError:
            server.bio_write(outgoing.read())
            with contextlib.suppress(SSL.WantReadError):
                server.do_handshake()
            incoming.write(server.bio_read(1 << 16))
    client.write(b"all that is said")
    server.bio_write(outgoing.read())
    assert server.recv(100) == b"all that is said"
    assert client.version() == version.name.replace("_", ".")
    assert incoming.pending == 0
    with pytest.raises(SSL.WantReadError):
        server.bio_read(1)


def test_the_self_signed_certificate_is_made_once_and_its_key_is_private(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path / "tls", "logs.example.com")
    before = certificate.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    assert self_signed(tmp_path / "tls", "logs.example.com") == (certificate, key)
    assert certificate.read_bytes() == before


def test_who_trusts_the_self_signed_certificate_trusts_its_key_for_nothing_else(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "localhost")
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not made.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert list(made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH
    ]
    signing = serialization.load_pem_private_key(key.read_bytes(), None)
    other = ec.generate_private_key(ec.SECP256R1())
    forged = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bank.example")]))
        .issuer_name(made.subject)
        .public_key(other.public_key())
        .serial_number(1)
        .not_valid_before(made.not_valid_before_utc)
        .not_valid_after(made.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bank.example")]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    (tmp_path / "forged.pem").write_bytes(
        forged.public_bytes(serialization.Encoding.PEM)
        + other.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    assert handshake(certificate, certificate, key, "localhost") is None
    refusal = handshake(certificate, tmp_path / "forged.pem", tmp_path / "forged.pem", "bank.example")
    assert isinstance(refusal, ssl.SSLCertVerificationError)


def handshake(trusted: Path, certificate: Path, key: Path, name: str) -> ssl.SSLError | None:
    """The error of a client that trusts ``trusted`` at a server called ``name``; ``None``: there is none."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate, key)
    asking = ssl.create_default_context(cafile=str(trusted))
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(back, there, server_hostname=name)
    server = serving.wrap_bio(there, back, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError as error:
            return error
    return None


@pytest_twisted.ensureDeferred
async def test_a_changed_port_opens_without_waiting_for_a_sender_that_does_not_let_go(
    store: Any, make_destination: MakeDestination, make_receiving: MakeReceiving, certificates: Certificates
) -> None:
    receiving = await make_receiving(store, certificates)
    destination = await opened(store, receiving, await make_destination())
    deaf = await secured(destination.port)
    deaf.transport.write(b"kept\n")
    await until(lambda: count(receiving) == 1, "its line")
    deaf.transport.pauseProducing()
    former = receiving.intake_of(destination)
    receiving.ports.open(attrs.evolve(destination, transport="tls"))
    await until(lambda: len(receiving.reported) == 2, "the port open anew")
    assert len(former.connections) == 1, "TLS waits for the end that the peer does not say"
    await until(lambda: receiving.intake_of(destination).destination.transport == "tls", "the new policy")
    deaf.transport.resumeProducing()
    await deaf.gone
