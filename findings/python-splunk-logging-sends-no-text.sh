#!/usr/bin/env bash
# python-splunk-logging's handler, as it comes, sends an empty object for a message: only a dictionary is kept, or what is named as
# a key of its JsonFormatter; with a traceback the event is that alone. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install python-splunk-logging==1.2.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import http.server
import importlib.metadata as metadata
import json
import logging
import sys
import threading

from splunk_logging.formatters import JsonFormatter
from splunk_logging.handlers import HecHandler

came = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["event"]
        came.append(json.loads(event) if isinstance(event, str) else event)
        body = b'{"text": "Success", "code": 0}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
handler = HecHandler("127.0.0.1", receiver.server_port, "token", use_ssl=False)
logger = logging.getLogger("app")
logger.addHandler(handler)
logger.error("order %s failed", 7)
logger.error({"order": 7})
handler.setFormatter(JsonFormatter(message="%(message)s"))
logger.error("order %s failed", 7)
print("version: python-splunk-logging", metadata.version("python-splunk-logging"))
print("behaviour: the event of a text is {} until a formatter with message=\"%(message)s\" is set")
print("seen: a text:", came[0], "a dictionary:", came[1], "a text with that formatter:", came[2])
sys.exit(came != [{}, {"order": 7}, {"message": "order 7 failed"}])
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
