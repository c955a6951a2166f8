#!/usr/bin/env bash
# splunk-hec-handler sends the message as it was written, without the arguments of the call, and no traceback: of
# log.error("order %s failed", 7) a Splunk index holds "order %s failed". Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install splunk-hec-handler==1.2.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import http.server
import importlib.metadata as metadata
import json
import logging
import sys
import threading

from splunk_hec_handler import SplunkHecHandler

bodies = []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
log = logging.getLogger("shop")
log.addHandler(SplunkHecHandler("127.0.0.1", "token", port=server.server_port, proto="http", ssl_verify=False))
log.handlers[0].setFormatter(logging.Formatter("%(levelname)s %(message)s"))
log.error("order %s failed", 4711)
try:
    raise ValueError("no stock")
except ValueError:
    log.exception("stopped")
server.shutdown()
sent = b"".join(bodies).decode()
messages = [json.loads(each)["event"]["message"] for each in map(bytes.decode, bodies) if each]
print("version: splunk-hec-handler", metadata.version("splunk-hec-handler"))
print("behaviour: the arguments of a call, the formatter and the traceback are left out of what is sent")
print("seen:", messages, "traceback" if "no stock" in sent else "no traceback")
sys.exit(messages != ["order %s failed", "stopped"] or "no stock" in sent)
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
