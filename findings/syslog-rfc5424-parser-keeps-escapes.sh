#!/usr/bin/env bash
# syslog-rfc5424-parser leaves the backslashes in structured data with which RFC 5424 (6.3.3) escapes marks, brackets and
# backslashes, and of a parameter that comes twice it keeps the last: what rfc5424-logging-handler sends is not what is read.
# Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install syslog-rfc5424-parser==0.3.2 \
    rfc5424-logging-handler==1.4.3 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import logging
import socket
import sys

from rfc5424logging import Rfc5424SysLogHandler
from syslog_rfc5424_parser import SyslogMessage

sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
sink.settimeout(10)
logger = logging.getLogger("app")
logger.addHandler(Rfc5424SysLogHandler(address=sink.getsockname(), enterprise_id=32473))
sent = {"path": r"C:\new", "said": 'the "north"', "range": "[1]"}
logger.error("hello", extra={"structured_data": {"site@32473": sent}})
found = SyslogMessage.parse(sink.recv(65536).decode()).sd["site@32473"]
twice = '<13>1 2026-07-01T12:00:00Z web-1 app - - [site@32473 ip="192.0.2.1" ip="192.0.2.2"] hello'
last = SyslogMessage.parse(twice).sd["site@32473"]
version = metadata.version
print(f"version: syslog-rfc5424-parser {version('syslog-rfc5424-parser')}, rfc5424-logging-handler {version('rfc5424-logging-handler')}")
print("behaviour: values keep the backslashes of their escapes; of two parameters of a name one is left")
print("seen:", "; ".join(f"{value} is read as {found[name]}" for name, value in sent.items()), "and of two addresses", last)
sys.exit((found, last) != ({"path": r"C:\\new", "said": r"the \"north\"", "range": r"[1\]"}, {"ip": "192.0.2.2"}))
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
