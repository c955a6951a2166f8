"""Snippets that set up senders: for each kind of sender and each way to send (TCP, TLS, …), blocks to paste.

A block is one thing to paste, a whole file or a command, without prompts. The settings page shows the blocks for each
destination, and the viewer shows them while a destination has no events. Tests run those whose programs are installed.
"""

from __future__ import annotations

import attrs

from ppl.model import Destination, Transport


@attrs.frozen
class Block:
    """One thing to paste.

    Attributes:
        label: the file's path, or what the command does.
        text: the text, with ``{host}`` and ``{port}`` to fill in.
    """

    label: str
    text: str


Ways = dict[str, tuple[Block, ...]]

_FETCH = "openssl s_client -connect {host}:{port} </dev/null | openssl x509 | sudo tee"
_TRUST = Block(
    "Fetch the certificate to trust; if a public authority signed it, use /etc/ssl/certs/ca-certificates.crt instead",
    f"{_FETCH} /etc/ssl/ppl.pem",
)

_TEMPLATE = (
    'template(name="Ppl" type="string" string="<%PRI%>1 %TIMESTAMP:::date-rfc3339% %HOSTNAME%'
    ' %syslogtag:R,ERE,1,FIELD:([^:[]+)--end% %PROCID% %MSGID% %STRUCTURED-DATA%%msg:::sp-if-no-1st-sp%%msg%")'
)
_QUEUE = """template="Ppl"
           queue.type="linkedList" queue.size="100000" action.resumeRetryCount="-1" action.resumeInterval="1\""""
_RSYSLOG_RESTART = Block(
    "Restart rsyslog and send a line", """sudo systemctl restart rsyslog && logger "hello from $(hostname)\""""
)
_SYSLOG_NG_RESTART = Block(
    "Restart syslog-ng and send a line", """sudo systemctl restart syslog-ng && logger "hello from $(hostname)\""""
)
_SYSLOG_NG_FILE = "/etc/syslog-ng/conf.d/ppl.conf"


def _remote_syslog2(protocol: str) -> Block:
    return Block(
        "/etc/log_files.yml",
        f"""files:
  - /var/log/nginx/*.log
destination:
  host: {{host}}
  port: {{port}}
  protocol: {protocol}""",
    )


_REMOTE_SYSLOG2_START = Block("Start it", "remote_syslog -D --configfile /etc/log_files.yml")


def _rsyslog(file: str, above: str = "") -> Ways:
    """rsyslog's blocks for each way: ``file`` is the path of the configuration, ``above`` a text put at its top."""
    head = f"{_TEMPLATE}\n{above}"
    return {
        "TCP": (
            Block(
                file,
                f"""{head}*.* action(type="omfwd" target="{{host}}" port="{{port}}" protocol="tcp"
           TCP_Framing="octet-counted"
           {_QUEUE})""",
            ),
            _RSYSLOG_RESTART,
        ),
        "TLS": (
            _TRUST,
            Block(
                f"{file}, with the package rsyslog-gnutls",
                f"""global(DefaultNetstreamDriverCAFile="/etc/ssl/ppl.pem")
{head}*.* action(type="omfwd" target="{{host}}" port="{{port}}" protocol="tcp"
           TCP_Framing="octet-counted"
           StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
           StreamDriverPermittedPeers="{{host}}"
           {_QUEUE})""",
            ),
            _RSYSLOG_RESTART,
        ),
        "RELP": (
            Block(
                f"{file}, with the package rsyslog-relp",
                f"""module(load="omrelp")
{head}*.* action(type="omrelp" target="{{host}}" port="{{port}}"
           {_QUEUE})""",
            ),
            _RSYSLOG_RESTART,
        ),
        "RELP over TLS": (
            _TRUST,
            Block(
                f"{file}, with the package rsyslog-relp",
                f"""module(load="omrelp" tls.tlslib="openssl")
{head}*.* action(type="omrelp" target="{{host}}" port="{{port}}" tls="on"
           tls.caCert="/etc/ssl/ppl.pem" tls.authMode="name" tls.permittedPeer=["{{host}}"]
           {_QUEUE})""",
            ),
            _RSYSLOG_RESTART,
        ),
    }


def _syslog_ng(transport: str) -> Block:
    return Block(
        _SYSLOG_NG_FILE,
        f"""destination d_ppl {{ syslog("{{host}}" port({{port}}) {transport}); }};
log {{ source(s_src); destination(d_ppl); }};""",
    )


def _docker(address: str, more: str = "") -> Block:
    return Block(
        "Start a container that logs to Ppl",
        f"""docker run --log-driver syslog \\
    --log-opt syslog-address={address}://{{host}}:{{port}} \\{more}
    --log-opt syslog-format=rfc5424micro \\
    --log-opt tag="{{{{.Name}}}}" \\
    alpine echo "hello from Docker\"""",
    )


SNIPPETS: dict[str, Ways] = {
    "netcat": {
        "TCP": (
            Block("Send a line", """echo "hello from $(hostname)" | nc -w 1 {host} {port}"""),
            Block(
                "Or with a program name and a severity, using logger from util-linux",
                """logger --server {host} --port {port} --tcp --tag myapp --priority user.err "hello\"""",
            ),
        ),
        "TLS": (
            Block(
                "Send a line",
                """echo "hello from $(hostname)" | openssl s_client -quiet -no_ign_eof -connect {host}:{port}""",
            ),
        ),
    },
    "remote_syslog2": {
        "TCP": (_remote_syslog2("tcp"), _REMOTE_SYSLOG2_START),
        "TLS": (
            Block(
                "Fetch the certificate, only needed if no public authority has signed it",
                f"{_FETCH} /etc/remote_syslog/ca-bundle.crt",
            ),
            _remote_syslog2("tls"),
            _REMOTE_SYSLOG2_START,
        ),
    },
    "rsyslog": _rsyslog("/etc/rsyslog.d/95-ppl.conf"),
    "syslog-ng": {
        "TCP": (_syslog_ng('transport("tcp")'), _SYSLOG_NG_RESTART),
        "TLS": (_TRUST, _syslog_ng('transport("tls") tls(ca-file("/etc/ssl/ppl.pem"))'), _SYSLOG_NG_RESTART),
    },
    "Docker": {
        "TCP": (_docker("tcp"),),
        "TLS": (_TRUST, _docker("tcp+tls", "\n    --log-opt syslog-tls-ca-cert=/etc/ssl/ppl.pem \\")),
    },
    # The whole of rsyslog's configuration: the usual one also reads journald's socket, so every line would come twice.
    "systemd-journald": _rsyslog(
        "/etc/rsyslog.conf, the whole file; if rsyslog already writes log files, use the snippet for rsyslog instead",
        'module(load="imjournal" StateFile="/var/lib/ppl-journal")\n',
    ),
    "Python": {
        "TCP": (
            Block(
                "In your program; a traceback stays one event",
                """import logging, logging.handlers, socket

handler = logging.handlers.SysLogHandler(("{host}", {port}), socktype=socket.SOCK_STREAM)
handler.ident = "myapp: "
logging.getLogger().addHandler(handler)
logging.warning("hello from Python")""",
            ),
        ),
        "UDP": (
            Block(
                "In your program; a traceback stays one event",
                """import logging, logging.handlers

handler = logging.handlers.SysLogHandler(("{host}", {port}))
handler.ident = "myapp: "
logging.getLogger().addHandler(handler)
logging.warning("hello from Python")""",
            ),
        ),
    },
}
"""Sender → way → blocks; the sender that works everywhere comes first."""


def unfilled() -> list[tuple[str, list[tuple[str, list[tuple[str, str]]]]]]:
    """All snippets in order, for the viewer's script to fill in: senders, ways, labels and texts."""
    return [
        (sender, [(way, [(each.label, each.text) for each in blocks]) for way, blocks in ways.items()])
        for sender, ways in SNIPPETS.items()
    ]


def snippets_of(destination: Destination) -> list[tuple[str, list[tuple[str, list[Block]]]]]:
    """The snippets for the ways that the destination accepts, with its host and port filled in."""

    def filled(block: Block) -> Block:
        text = block.text.replace("{host}", destination.host).replace("{port}", str(destination.port))
        return attrs.evolve(block, text=text)

    taken = [
        (sender, [(way, [*map(filled, blocks)]) for way, blocks in ways.items() if _takes(destination.takes, way)])
        for sender, ways in SNIPPETS.items()
    ]
    return [(sender, ways) for sender, ways in taken if ways]


def _takes(transport: Transport, way: str) -> bool:
    return transport == "either" or way.endswith("TLS") == (transport == "tls")
