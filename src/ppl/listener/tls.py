"""The TLS certificate of senders' ports: read from files, reloaded when they change, made when there are none."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import SSL
from twisted.application.service import Service
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.logger import Logger
from zope.interface import implementer

from ppl.errors import ConfigurationError
from ppl.model import SECOND, Clock

_LOOK_EVERY = SECOND
_VALID_DAYS = 3650

# A record's content type and the first byte of its version (RFC 8446 section 5.1).
_HANDSHAKE, _MAJOR_VERSION = 0x16, 3


def begins_handshake(start: bytes) -> bool | None:
    """Whether ``start``, a connection's first bytes (not empty), begins a TLS handshake; ``None``: more is needed."""
    if start[0] != _HANDSHAKE:
        return False
    return start[1] == _MAJOR_VERSION if len(start) > 1 else None


@implementer(IOpenSSLServerConnectionCreator)
class Certificates(Service):
    """Serves TLS 1.2 and newer with the certificate chain and the key of two PEM files, once it is started.

    New files are used for new connections within a second, without a restart; while they cannot be used, the previous
    certificate stays in use.

    Args:
        find: gives the two files, at the start.
        clock: µs, steady.

    Attributes:
        fingerprint: SHA-256 of the certificate in use, as ``openssl x509 -fingerprint`` writes it.
    """

    _log = Logger()
    fingerprint = ""
    _certificate: Path
    _key: Path
    _context: ssl.SSLContext

    def __init__(self, find: Callable[[], tuple[Path, Path]], clock: Clock) -> None:
        self._find, self._clock = find, clock
        self._looked_at = 0
        self._seen: list[tuple[int, int, int]] = []

    def startService(self) -> None:
        """Read the files; raises ``ConfigurationError`` when they cannot be used."""
        super().startService()
        self._certificate, self._key = self._find()
        try:
            self._seen = self._stamp()
            self._context = self.load()
        except OSError as error:
            raise ConfigurationError(
                f"--tls-certificate, --tls-key: {self._certificate} and {self._key} cannot be used ({why(error)})."
            ) from error
        self._looked_at = self._clock()
        self._log.info(
            "The TLS certificate of senders' ports has the SHA-256 fingerprint {fingerprint}",
            fingerprint=self.fingerprint,
        )

    def serverConnectionForTLS(self, tlsProtocol: Any) -> Any:
        """Twisted: TLS for one more connection."""
        return TlsConnection(self.current())

    def current(self) -> ssl.SSLContext:
        """The TLS context of the newest usable files; the same object until they change."""
        self._look()
        return self._context

    def _look(self) -> None:
        now = self._clock()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        try:
            stamp = self._stamp()
            if stamp == self._seen:
                return
            self._seen = stamp
            self._context = self.load()
        except OSError as error:
            self._log.error("The new TLS certificate cannot be used, the previous one stays: {why}", why=why(error))
        else:
            self._log.info(
                "The new TLS certificate, with the SHA-256 fingerprint {fingerprint}, is in use",
                fingerprint=self.fingerprint,
            )

    def _stamp(self) -> list[tuple[int, int, int]]:
        found = [path.stat() for path in (self._certificate, self._key)]
        return [(each.st_mtime_ns, each.st_ino, each.st_size) for each in found]

    def load(self, known: str = "") -> ssl.SSLContext:
        """A TLS context from the present files.

        Args:
            known: PEM of certificates; the peer must show one of them, or one that is signed by one of them.

        Raises:
            OSError: the files cannot be used (``ssl.SSLError`` is one).
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        # A sender that only writes never reads session tickets, and if it closes with something unread, the data still
        # in its buffers is thrown away. pyOpenSSL cannot turn tickets off, so the engine is the standard library's.
        context.num_tickets = 0
        # Nobody is there to type a password; an encrypted key is refused.
        context.load_cert_chain(self._certificate, self._key, lambda: "")
        self.fingerprint = fingerprint_of(self._certificate.read_bytes())
        if known:
            context.load_verify_locations(cadata=known)
            context.verify_mode = ssl.CERT_REQUIRED
            # A known certificate needs no authority.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


def fingerprint_of(pem: bytes) -> str:
    """The SHA-256 of the first certificate in ``pem``, in pairs of hexadecimal digits with colons between."""
    return x509.load_pem_x509_certificates(pem)[0].fingerprint(hashes.SHA256()).hex(":").upper()


def why(error: Exception) -> str:
    """Why files cannot be used, for a log line."""
    if isinstance(error, ssl.SSLError):
        return _reason(error)
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _reason(error: ssl.SSLError) -> str:
    # OpenSSL has no reason for a text that is no PEM at all.
    return error.reason.replace("_", " ").lower() if error.reason else "it is not a PEM certificate with its key"


def reasons_of(error: BaseException | None) -> str:
    """OpenSSL's reasons for ``error``, in its own fixed words; ``""`` if it gives none."""
    if not isinstance(error, SSL.Error) or not error.args or not isinstance(error.args[0], list):
        return ""
    return ", ".join(filter(None, (reason for *_, reason in error.args[0])))


class TlsConnection:
    """TLS of the standard library, with those methods of ``OpenSSL.SSL.Connection`` that Twisted calls."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def set_accept_state(self) -> None:
        """Do nothing: the connection is the server's side already."""

    def set_app_data(self, data: Any) -> None:
        """Do nothing: the data is never read back."""

    def do_handshake(self) -> None:
        with _as_pyopenssl():
            self._tls.do_handshake()

    def recv(self, size: int) -> bytes:
        with _as_pyopenssl():
            data = self._tls.read(size)
        if not data:
            raise SSL.ZeroReturnError
        return data

    def send(self, data: bytes) -> int:
        with _as_pyopenssl():
            return self._tls.write(data)

    def shutdown(self) -> bool:
        """Send close_notify; ``True`` if the peer has sent it too."""
        with _as_pyopenssl():
            try:
                self._tls.unwrap()
            except ssl.SSLWantReadError:
                return False
        return True

    def bio_write(self, data: bytes) -> int:
        return self._incoming.write(data)

    def bio_read(self, size: int) -> bytes:
        data = self._outgoing.read(size)
        if not data:
            raise SSL.WantReadError
        return data

    def bio_shutdown(self) -> None:
        self._incoming.write_eof()

    def get_peer_certificate(self) -> None:
        """Give none: Ppl never looks at the peer's certificate."""


@contextmanager
def _as_pyopenssl() -> Iterator[None]:
    try:
        yield
    except ssl.SSLWantReadError as error:
        raise SSL.WantReadError from error
    except ssl.SSLZeroReturnError as error:
        raise SSL.ZeroReturnError from error
    except ssl.SSLEOFError as error:
        raise SSL.SysCallError(-1, "Unexpected EOF") from error
    except ssl.SSLError as error:
        raise SSL.Error([("SSL routines", "", _reason(error))]) from error


def self_signed(directory: Path, host: str) -> tuple[Path, Path]:
    """The certificate and key files in ``directory``; made for ``host`` if missing, or if made for another host.

    A certificate that somebody else signed stays as it is.

    Raises:
        ConfigurationError: the files cannot be made.
    """
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not (certificate.exists() and key.exists()) or _is_own_of_another(certificate.read_bytes(), host):
            made_certificate, made_key = _make(host)
            _write(key, made_key, 0o600)
            _write(certificate, made_certificate, 0o644)
    except OSError as error:
        raise ConfigurationError(
            f"--data-dir: the TLS certificate in {directory} cannot be read or written ({error.strerror})."
        ) from error
    return certificate, key


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write all of ``data`` or nothing, even if the power fails."""
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _is_own_of_another(pem: bytes, host: str) -> bool:
    """Whether ``pem`` is a certificate from :func:`_make` for another host."""
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        names = list(certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
        (common,) = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except (ValueError, x509.ExtensionNotFound):
        return False
    is_own = certificate.issuer == certificate.subject and [str(each.value)[:64] for each in names] == [common.value]
    return is_own and names != [_alternative_name(host)]


def _alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _make(host: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    # Valid from the day before, for senders whose clock is behind.
    begins = datetime.now(UTC) - timedelta(days=1)
    public = key.public_key()
    # Trusting the certificate trusts this key for this name alone: the key can sign no other certificate.
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_alternative_name(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem), key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
