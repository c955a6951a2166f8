#!/usr/bin/env bash
# graypy and pygelf send a GELF message over HTTP in zlib's format and call it "gzip,deflate", which RFC 9110 reads as deflate of
# gzip: a receiver that undoes what the head says fails. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install graypy==2.1.0 pygelf==0.4.3 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import http.server
import importlib.metadata as metadata
import json
import logging
import sys
import threading
import time
import zlib

import graypy
import pygelf

came = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        came.append((self.headers["Content-Encoding"], body[:1].hex(), json.loads(zlib.decompress(body))["short_message"]))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass


receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
handlers = [
    graypy.GELFHTTPHandler("127.0.0.1", receiver.server_port),
    pygelf.GelfHttpHandler(host="127.0.0.1", port=receiver.server_port, compress=True),
]
for number, handler in enumerate(handlers, 1):
    handler.emit(logging.LogRecord("app", logging.ERROR, "app.py", 1, "hello", (), None))
    for _ in range(200):
        if len(came) == number:
            break
        time.sleep(0.05)
print("version: graypy", metadata.version("graypy"), "and pygelf", metadata.version("pygelf"))
print("behaviour: the head names two encodings, the body has one: zlib's, which HTTP calls deflate")
print("seen:", "; ".join(f"Content-Encoding {encoding}, first byte {first}" for encoding, first, _ in came))
sys.exit(came != [("gzip,deflate", "78", "hello")] * 2)
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
