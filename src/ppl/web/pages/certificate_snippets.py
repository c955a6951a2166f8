"""Snippets for senders that present a client certificate, shown on the settings page. Tests run them."""

from __future__ import annotations

from ppl.model import Destination
from ppl.web.pages.snippets import SNIPPETS, Block

_CERTIFICATE, _KEY = "/etc/ssl/sender.pem", "/etc/ssl/sender.key"

_MAKE = Block(
    "Make a certificate for a sender; paste sender.pem above and keep sender.key where it is",
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650"
    ' -subj "/CN=$(hostname)" -addext extendedKeyUsage=clientAuth -keyout sender.key -out sender.pem',
)
_TRY = Block(
    "Send a line",
    'echo "hello from $(hostname)" |'
    f" openssl s_client -quiet -no_ign_eof -cert {_CERTIFICATE} -key {_KEY} -connect {{host}}:{{port}}",
)


def _with(sender: str, way: str, before: str, more: str) -> Block:
    """The snippet of a sender, with ``more`` inserted after ``before``."""
    (block,) = (each for each in SNIPPETS[sender][way] if before in each.text)
    return Block(block.label, block.text.replace(before, f"{before}{more}"))


_SNIPPETS: tuple[tuple[str, Block], ...] = (
    ("openssl", _MAKE),
    ("openssl", _TRY),
    (
        "rsyslog over TLS",
        _with(
            "rsyslog",
            "TLS",
            'global(DefaultNetstreamDriverCAFile="/etc/ssl/ppl.pem"',
            f'\n       DefaultNetstreamDriverCertFile="{_CERTIFICATE}" DefaultNetstreamDriverKeyFile="{_KEY}"',
        ),
    ),
    (
        "rsyslog, RELP over TLS",
        _with(
            "rsyslog",
            "RELP over TLS",
            'tls.caCert="/etc/ssl/ppl.pem"',
            f'\n           tls.myCert="{_CERTIFICATE}" tls.myPrivKey="{_KEY}"',
        ),
    ),
    (
        "syslog-ng",
        _with(
            "syslog-ng",
            "TLS",
            'ca-file("/etc/ssl/ppl.pem")',
            f' cert-file("{_CERTIFICATE}") key-file("{_KEY}")',
        ),
    ),
    (
        "Docker",
        _with(
            "Docker",
            "TLS",
            "--log-opt syslog-tls-ca-cert=/etc/ssl/ppl.pem \\",
            f"\n    --log-opt syslog-tls-cert={_CERTIFICATE} --log-opt syslog-tls-key={_KEY} \\",
        ),
    ),
)


def certificate_snippets(destination: Destination) -> list[tuple[str, Block]]:
    """Pairs of a sender's name and a block to paste, with the destination's host and port filled in."""
    host, port = destination.host, str(destination.port)
    return [
        (sender, Block(block.label, block.text.replace("{host}", host).replace("{port}", port)))
        for sender, block in _SNIPPETS
    ]
