#!/usr/bin/env bash
# hat-syslog writes the three letters BOM before a message, where RFC 5424 means a byte order mark (EF BB BF).
# Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install hat-syslog==0.7.28 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import logging
import socket
import sys

from hat.syslog.handler import SyslogHandler

sink = socket.create_server(("127.0.0.1", 0))
handler = SyslogHandler("127.0.0.1", sink.getsockname()[1], "TCP")
logger = logging.getLogger("app")
logger.addHandler(handler)
logger.error("hello")
connection, _ = sink.accept()
connection.settimeout(10)
data = b""
while not data.endswith(b"hello"):
    data += connection.recv(4096)
handler.close()
said = data[-8:]
print("version: hat-syslog", metadata.version("hat-syslog"))
print("behaviour: each message begins with the letters B, O and M instead of the mark's three octets")
print("seen: ...", said.decode(), "and no EF BB BF" if b"\xef\xbb\xbf" not in data else "")
sys.exit(said != b"BOMhello" or b"\xef\xbb\xbf" in data)
PYTHON
timeout 60 "$directory/venv/bin/python" "$directory/run.py"
