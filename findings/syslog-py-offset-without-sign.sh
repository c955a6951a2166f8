#!/usr/bin/env bash
# syslog-py, given a local time, writes the zone's offset as whole hours and always east of Greenwich: a sender in
# Newfoundland is a day off, one in India half an hour. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install syslog-py==0.2.5 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import os
import socket
import sys
import time
from datetime import datetime

import pysyslogclient

sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
sink.settimeout(5)
seen = {}
for zone, right in (("IST-5:30", "+05:30"), ("NST3:30", "-03:30")):
    os.environ["TZ"] = zone
    time.tzset()
    client = pysyslogclient.SyslogClientRFC5424("127.0.0.1", sink.getsockname()[1], proto="UDP")
    client.log("hello", facility=pysyslogclient.FAC_USER, severity=pysyslogclient.SEV_INFO, program="app", timestamp=datetime.now())
    stamp = sink.recv(4096).decode().split(" ")[1]
    seen[right] = stamp[stamp.index(".") + 7 :]
print("version: syslog-py", metadata.version("syslog-py"))
print("behaviour: a local time is written with an offset without its minutes, and a western one as if it were eastern")
print("seen:", ", ".join(f"{found} where {right} is right" for right, found in seen.items()))
sys.exit(seen != {"+05:30": "+0500", "-03:30": "+2000"})
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
