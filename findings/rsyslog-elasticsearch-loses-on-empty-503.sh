#!/usr/bin/env bash
# rsyslog's omelasticsearch takes a bulk request that got 503 and an empty body for stored: the line is neither sent again nor
# written to the error file, in spite of action.resumeRetryCount="-1". Runs without Ppl; needs apt-get, dpkg, python3 and
# libcurl4 (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'kill "$(cat "$directory/pid" 2>/dev/null)" 2>/dev/null || true; sleep 0.5; rm -rf "$directory"' EXIT
mkdir "$directory/root" "$directory/work"
(cd "$directory" && apt-get download -qq rsyslog=8.2302.0-1+deb12u1 rsyslog-elasticsearch=8.2302.0-1+deb12u1 libestr0=0.1.11-1 \
    libfastjson4=1.2304.0-1 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
cat > "$directory/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import socket
import subprocess
import sys
import threading
import time

directory = pathlib.Path(sys.argv[1])
root = directory / "root"
modules = next(root.glob("usr/lib/*/rsyslog"))
environment = {"LD_LIBRARY_PATH": f"{modules.parent}:{root}/lib/{modules.parent.name}", "PATH": "/usr/bin"}
came = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        words = [json.loads(line)["message"].strip() for line in body.splitlines()[1::2]]
        came.extend(words)
        if words == ["first"]:
            self.say(503, b"")
        else:
            self.say(200, json.dumps({"errors": False, "items": [{"index": {"status": 201}} for _ in words]}).encode())

    def do_GET(self):
        self.say(200, b"{}")

    do_HEAD = do_GET

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *arguments):
        pass


receiver = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
entry = probe.getsockname()[1]
probe.close()
errors = directory / "errors"
(directory / "rsyslog.conf").write_text(f"""
global(workDirectory="{directory}/work")
module(load="imtcp")
module(load="omelasticsearch")
input(type="imtcp" port="{entry}" address="127.0.0.1")
action(type="omelasticsearch" server="127.0.0.1" serverport="{receiver.server_port}" bulkmode="on" searchIndex="logs"
       errorFile="{errors}" action.resumeRetryCount="-1" action.resumeInterval="1")
""")
server = subprocess.Popen(
    [root / "usr/sbin/rsyslogd", "-n", "-f", directory / "rsyslog.conf", "-i", directory / "pid", "-M", modules],
    env=environment, stderr=subprocess.DEVNULL,
)
version = subprocess.run([root / "usr/sbin/rsyslogd", "-v"], capture_output=True, text=True, env=environment).stdout.split()[1]


def wait(condition):
    for _ in range(300):
        if condition():
            return
        time.sleep(0.05)


feed = None
for _ in range(200):
    try:
        feed = socket.create_connection(("127.0.0.1", entry))
        break
    except OSError:
        time.sleep(0.05)
for word in ("first", "second"):
    feed.sendall(f"<13>Nov 30 00:00:00 web-1 app: {word}\n".encode())
    wait(lambda word=word: word in came)
time.sleep(4)
server.terminate()
server.wait()
said = errors.exists() and "first" in errors.read_text()
print("version: rsyslogd", version, "with omelasticsearch")
print("behaviour: a line whose request got 503 without a body is not sent again, and is not in the error file either")
print(f"seen: the first line, refused: {came.count('first')} request, in the error file: {said};",
      f"the second, accepted: {came.count('second')} request")
sys.exit((came, said) != (["first", "second"], False))
PYTHON
python3 "$directory/run.py" "$directory"
