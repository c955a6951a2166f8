#!/usr/bin/env bash
# syslog-py's octet counting over TCP (RFC 6587) counts characters: one letter beyond ASCII puts a receiver out of step with
# every message after it. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install syslog-py==0.2.5 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import re
import socket
import sys

import pysyslogclient

sink = socket.create_server(("127.0.0.1", 0))
client = pysyslogclient.SyslogClientRFC5424("127.0.0.1", sink.getsockname()[1], proto="TCP")
connection = None
counts = []
for message in ("plain", "größer"):
    client.log(message, facility=pysyslogclient.FAC_USER, severity=pysyslogclient.SEV_INFO, program="app")
    if connection is None:
        connection, _ = sink.accept()
        connection.settimeout(5)
    data = b""
    while not data.endswith(message.encode()):
        data += connection.recv(4096)
    count, _, rest = data.partition(b" ")
    counts.append((int(count), len(rest)))
print("version: syslog-py", metadata.version("syslog-py"))
print("behaviour: the count before a message is that of its characters, fewer than its octets where not all are ASCII")
print("seen:", ", ".join(f"count {count} before {octets} octets" for count, octets in counts))
sys.exit([octets - count for count, octets in counts] != [0, 2])
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
