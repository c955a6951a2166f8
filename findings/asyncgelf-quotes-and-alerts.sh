#!/usr/bin/env bash
# asyncgelf sends each message in quotation marks, as JSON within JSON, and with level 1 (alert) unless the sender was made with
# another one for all it sends. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install asyncgelf==1.2.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import asyncio
import importlib.metadata as metadata
import json
import socket
import sys

import asyncgelf

sink = socket.create_server(("127.0.0.1", 0))
sink.settimeout(10)
sender = asyncgelf.GelfTcp(host="127.0.0.1", port=sink.getsockname()[1])
asyncio.run(sender.tcp_handler('café "north" opened'))
connection, _ = sink.accept()
connection.settimeout(10)
data = b""
while not data.endswith(b"\0"):
    data += connection.recv(65536)
message = json.loads(data[:-1])
print("version: asyncgelf", metadata.version("asyncgelf"))
print("behaviour: short_message is the text as a JSON string, with its quotation marks and escapes, and level is 1")
print(f"seen: short_message {message['short_message']}, level {message['level']}, version {message['version']!r}")
sys.exit((message["short_message"], message["level"]) != (r'"caf\u00e9 \"north\" opened"', 1))
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
