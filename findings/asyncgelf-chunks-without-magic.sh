#!/usr/bin/env bash
# asyncgelf begins the chunks of a long message not with GELF's two bytes 1e 0f but with eight others, "\0x1e\0x0f" as letters, and
# sends the whole message after them: no receiver can join the chunks. Runs without Ppl; needs python3 with venv and PyPI.
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

sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
sink.settimeout(10)
sender = asyncgelf.GelfUdp(host="127.0.0.1", port=sink.getsockname()[1])
asyncio.run(sender.udp_handler("order " + "x" * 20000))
datagrams = [sink.recv(65536) for _ in range(4)]
whole = json.loads(datagrams[3])
print("version: asyncgelf", metadata.version("asyncgelf"))
print("behaviour: chunks begin with 00 78 31 65 00 78 30 66 instead of 1e 0f, and the message follows in one datagram")
print("seen:", ", ".join(each[:8].hex(" ") for each in datagrams[:3]), f"and then {len(datagrams[3])} bytes of JSON")
chunked = b"".join(each[18:] for each in datagrams[:3])
heads = [(each[:8], each[16], each[17]) for each in datagrams[:3]]
expected = [(b"\0x1e\0x0f", number, 3) for number in range(3)]
sys.exit((heads, chunked == datagrams[3], "short_message" in whole) != (expected, True, True))
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
