"""Snippets for senders that put a destination's token into their lines, shown once with a new token. Tests run them."""

from __future__ import annotations

import attrs

from ppl.model import Destination
from ppl.web.pages.snippets import SNIPPETS, Block

_RSYSLOG = SNIPPETS["rsyslog"]["TCP"][0]

_SNIPPETS: tuple[tuple[str, Block], ...] = (
    ("netcat", Block("Send a line", """echo "{token} hello from $(hostname)" | nc -w 1 {host} {port}""")),
    (
        "logger",
        Block(
            "Send a line using logger from util-linux",
            """logger --server {host} --port {port} --tcp --tag myapp "{token} hello\"""",
        ),
    ),
    (
        "rsyslog",
        attrs.evolve(_RSYSLOG, text=_RSYSLOG.text.replace("%STRUCTURED-DATA%", "[{token}@41058]")),
    ),
    (
        "syslog-ng",
        Block(
            "/etc/syslog-ng/conf.d/ppl.conf",
            """destination d_ppl {{ syslog("{host}" port({port}) transport("tcp") template("{token} $MESSAGE")); }};
log {{ source(s_src); destination(d_ppl); }};""".replace("{{", "{").replace("}}", "}"),
        ),
    ),
    (
        "remote_syslog2",
        Block(
            "/etc/log_files.yml",
            """files:
  - /var/log/nginx/*.log
destination:
  host: {host}
  port: {port}
  protocol: tcp
  token: {token}""",
        ),
    ),
    (
        "Python",
        Block(
            "In your program",
            """import logging, logging.handlers

handler = logging.handlers.SysLogHandler(("{host}", {port}))
handler.ident = "{token} myapp: "
logging.getLogger().addHandler(handler)
logging.warning("hello from Python")""",
        ),
    ),
)


def token_snippets(destination: Destination, token: str) -> list[tuple[str, Block]]:
    """Pairs of a sender's name and a block to paste, with the destination's host and port and ``token`` filled in."""
    words = {"{host}": destination.host, "{port}": str(destination.port), "{token}": token}

    def filled(block: Block) -> Block:
        text = block.text
        for word, value in words.items():
            text = text.replace(word, value)
        return attrs.evolve(block, text=text)

    return [(sender, filled(block)) for sender, block in _SNIPPETS]
