#!/usr/bin/env bash
# splunkhecwriter gives every event without a time of its own the moment at which the program imported it, since the default of
# event_time is computed once: the longer a service runs, the older its events are. Runs without Ppl; needs python3 with venv and
# PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install splunkhecwriter==0.4 requests==2.32.5 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import http.server
import importlib.metadata as metadata
import json
import sys
import threading
import time

began = time.time()
from splunkhecwriter import SplunkHECWriter  # noqa: E402

imported = time.time()
came = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        came.append((time.time(), json.loads(self.rfile.read(int(self.headers["Content-Length"])))["time"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
writer = SplunkHECWriter("127.0.0.1", "token", splunk_port=receiver.server_port, http_scheme="http")
for _ in range(3):
    time.sleep(1)
    writer.send_msg({"message": "hello"})
times = {said for _, said in came}
print("version: splunkhecwriter", metadata.version("splunkhecwriter"))
print("behaviour: all events have one time, that of the import")
print(f"seen: {len(came)} events within {came[-1][0] - came[0][0]:.0f} s, {len(times)} time,",
      f"between begin and end of the import: {all(began <= each <= imported for each in times)}")
sys.exit((len(came), len(times), all(began <= each <= imported for each in times)) != (3, 1, True))
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
