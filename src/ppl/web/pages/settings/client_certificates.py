"""Client certificates of senders: reads those pasted into the form, and prepares them for the page."""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from ppl.web.http.forms import WrongField

MOST_CERTIFICATES = 20

_FIELD = "certificates"


@attrs.frozen
class Shown:
    """A certificate as a page shows it.

    Attributes:
        name: the certificate's subject.
        ends: the last day on which it is valid.
        fingerprint: its SHA-256 fingerprint.
    """

    name: str
    ends: str
    fingerprint: str


def certificates_of(form: dict[str, str]) -> str:
    """The field ``certificates`` as PEM, without any other text; ``""`` if it is empty.

    Raises:
        WrongField: it is not PEM, holds a private key or too many certificates, or TLS cannot use them.
    """
    text = form.get(_FIELD, "").strip()
    if not text:
        return ""
    if "PRIVATE KEY" in text:
        raise WrongField(_FIELD, "This holds a private key, which must stay with its sender: paste certificates only.")
    try:
        found = x509.load_pem_x509_certificates(text.encode("utf-8", "replace"))
        pem = "".join(each.public_bytes(serialization.Encoding.PEM).decode("ascii") for each in found)
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=pem)
    except (ValueError, ssl.SSLError) as error:
        raise WrongField(
            _FIELD, "Paste one or more certificates in PEM, each beginning with -----BEGIN CERTIFICATE-----."
        ) from error
    if len(found) > MOST_CERTIFICATES:
        raise WrongField(_FIELD, f"Paste at most {MOST_CERTIFICATES} certificates.")
    return pem


def shown_certificates(pem: str) -> Sequence[Shown]:
    """The certificates in ``pem``, which :func:`certificates_of` returned, one by one."""
    if not pem:
        return []
    return [
        Shown(
            each.subject.rfc4514_string() or "without a name",
            each.not_valid_after_utc.strftime("%Y-%m-%d"),
            each.fingerprint(hashes.SHA256()).hex(":").upper(),
        )
        for each in x509.load_pem_x509_certificates(pem.encode("ascii"))
    ]
