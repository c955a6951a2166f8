#!/usr/bin/env bash
# python-logging-loki takes only the status 204 for success: a receiver of Loki's push API that stores the lines and answers
# 200 makes the client report a failure for each. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install python-logging-loki==0.3.1 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import http.server
import importlib.metadata as metadata
import logging
import sys
import threading

import logging_loki

statuses = [204, 200, 202]
failures = {}


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(statuses[len(failures)])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Handler(logging_loki.LokiHandler):
    def handleError(self, record):
        self.failed = type(sys.exc_info()[1]).__name__


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
handler = Handler(url=f"http://127.0.0.1:{server.server_port}/loki/api/v1/push", version="1")
log = logging.getLogger("shop")
log.propagate = False
log.addHandler(handler)
for status in statuses:
    handler.failed = ""
    log.error("order failed")
    failures[status] = handler.failed
server.shutdown()
print("version: python-logging-loki", metadata.version("python-logging-loki"))
print("behaviour: an answer of success other than 204 is reported as a failure of the line")
print("seen:", ", ".join(f"{status}: {failure or 'taken'}" for status, failure in failures.items()))
sys.exit(failures != {204: "", 200: "ValueError", 202: "ValueError"})
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
