"""How each kind of sender is told where to send, and over what. Tests run those whose programs are at hand.

The settings page shows them for each destination, the viewer to whoever has no events yet.
"""

from __future__ import annotations

from ppl.model import Destination, Transport

_TRUST = "# what to trust; for a public authority's certificate: /etc/ssl/certs/ca-certificates.crt"
_FETCH = "$ openssl s_client -connect {host}:{port} </dev/null | openssl x509 | sudo tee"
_FETCHED = f"{_TRUST}\n{_FETCH} /etc/ssl/ppl.pem"

_QUEUE = """template="RSYSLOG_SyslogProtocol23Format"
           queue.type="linkedList" queue.size="10000" action.resumeRetryCount="-1\""""
_RSYSLOG_RESTART = """$ sudo systemctl restart rsyslog && logger "hello from $(hostname)\""""
_SYSLOG_NG_RESTART = """$ sudo systemctl restart syslog-ng && logger "hello from $(hostname)\""""


def _remote_syslog2(protocol: str) -> str:
    return f"""# /etc/log_files.yml
files:
  - /var/log/nginx/*.log
destination:
  host: {{host}}
  port: {{port}}
  protocol: {protocol}

"""


def _rsyslog(head: str, before: str = "") -> dict[str, str]:
    """Over each way: ``head`` is the file's name (packages are added to it), ``before`` what stands above the rest."""
    tls = _FETCHED + "\n" + _RSYSLOG_RESTART
    return {
        "TCP": f"""{head}
{before}*.* action(type="omfwd" target="{{host}}" port="{{port}}" protocol="tcp" TCP_Framing="octet-counted"
           {_QUEUE})

{_RSYSLOG_RESTART}""",
        "TLS": f"""{head}, with the package rsyslog-gnutls
global(DefaultNetstreamDriverCAFile="/etc/ssl/ppl.pem")
{before}*.* action(type="omfwd" target="{{host}}" port="{{port}}" protocol="tcp" TCP_Framing="octet-counted"
           StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="x509/name"
           StreamDriverPermittedPeers="{{host}}"
           {_QUEUE})

{tls}""",
        "RELP": f"""{head}, with the package rsyslog-relp
module(load="omrelp")
{before}*.* action(type="omrelp" target="{{host}}" port="{{port}}"
           {_QUEUE})

{_RSYSLOG_RESTART}""",
        "RELP over TLS": f"""{head}, with the package rsyslog-relp
module(load="omrelp" tls.tlslib="openssl")
{before}*.* action(type="omrelp" target="{{host}}" port="{{port}}" tls="on" tls.caCert="/etc/ssl/ppl.pem"
           tls.authMode="name" tls.permittedPeer=["{{host}}"]
           {_QUEUE})

{tls}""",
    }


def _docker(address: str, more: str = "") -> str:
    return f"""$ docker run --log-driver syslog \\
    --log-opt syslog-address={address}://{{host}}:{{port}} \\{more}
    --log-opt syslog-format=rfc5424micro \\
    --log-opt tag="{{{{.Name}}}}" \\
    alpine echo "hello from Docker\""""


SNIPPETS: dict[str, dict[str, str]] = {
    "remote_syslog2": {
        "TCP": f"{_remote_syslog2('tcp')}$ remote_syslog -D --configfile /etc/log_files.yml",
        "TLS": f"{_remote_syslog2('tls')}# only for a certificate that no public authority has signed:\n"
        f"{_FETCH} /etc/remote_syslog/ca-bundle.crt\n$ remote_syslog -D --configfile /etc/log_files.yml",
    },
    "rsyslog": _rsyslog("# /etc/rsyslog.d/95-ppl.conf"),
    "syslog-ng": {
        "TCP": f"""# /etc/syslog-ng/conf.d/ppl.conf
destination d_ppl {{ syslog("{{host}}" port({{port}}) transport("tcp")); }};
log {{ source(s_src); destination(d_ppl); }};

{_SYSLOG_NG_RESTART}""",
        "TLS": f"""# /etc/syslog-ng/conf.d/ppl.conf
destination d_ppl {{ syslog("{{host}}" port({{port}}) transport("tls") tls(ca-file("/etc/ssl/ppl.pem"))); }};
log {{ source(s_src); destination(d_ppl); }};

{_FETCHED}
{_SYSLOG_NG_RESTART}""",
    },
    "Docker": {
        "TCP": _docker("tcp"),
        "TLS": f"{_FETCHED}\n" + _docker("tcp+tls", "\n    --log-opt syslog-tls-ca-cert=/etc/ssl/ppl.pem \\"),
    },
    # All of rsyslog's configuration: beside the usual one, which reads journald's socket, every line would come twice.
    "systemd-journald": _rsyslog(
        "# /etc/rsyslog.conf, nothing else in it", 'module(load="imjournal" StateFile="/var/lib/ppl-journal")\n'
    ),
    "Python": {
        "TCP": """import logging, logging.handlers, socket

handler = logging.handlers.SysLogHandler(("{host}", {port}), socktype=socket.SOCK_STREAM)
handler.append_nul = False
handler.setFormatter(logging.Formatter("myapp: %(message)s\\n"))
logging.getLogger().addHandler(handler)
logging.warning("hello from Python")""",
    },
    "netcat": {
        "TCP": """$ echo "hello from $(hostname)" | nc -w 1 {host} {port}

# or with a program's name and a severity, through util-linux:
$ logger --server {host} --port {port} --tcp --tag myapp --priority user.err "hello\"""",
        "TLS": """$ echo "hello from $(hostname)" | openssl s_client -quiet -no_ign_eof -connect {host}:{port}""",
    },
}
"""Sender → over what → text, with ``{host}`` and ``{port}`` to fill in."""


def unfilled() -> list[tuple[str, list[tuple[str, str]]]]:
    """All of them, in their order, for the viewer, which fills them in."""
    return [(sender, list(ways.items())) for sender, ways in SNIPPETS.items()]


def snippets_of(destination: Destination) -> list[tuple[str, list[tuple[str, str]]]]:
    """Those that the destination takes, with its host and port."""

    def filled(text: str) -> str:
        return text.replace("{host}", destination.host).replace("{port}", str(destination.port))

    taken = [
        (sender, [(way, filled(text)) for way, text in ways.items() if _takes(destination.transport, way)])
        for sender, ways in SNIPPETS.items()
    ]
    return [(sender, ways) for sender, ways in taken if ways]


def _takes(transport: Transport, way: str) -> bool:
    return transport == "either" or way.endswith("TLS") == (transport == "tls")
