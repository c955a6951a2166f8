#!/usr/bin/env bash
# nginx's "error_log syslog:" names the host in the lines of its workers, and leaves the place of the host empty (two blanks)
# in those that its master writes while it reads its configuration. Runs without Ppl; needs apt-get, dpkg and python3 (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/root" "$directory/logs"
chmod 755 "$directory"
apt-get update -qq 2>/dev/null || true
(cd "$directory" && apt-get download -qq nginx=1.22.1-9+deb12u11 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
cat > "$directory/run.py" <<'PYTHON'
import pathlib
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

directory = pathlib.Path(sys.argv[1])
nginx = directory / "root/usr/sbin/nginx"
sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sink.bind(("127.0.0.1", 0))
sink.settimeout(1)
probe = socket.create_server(("127.0.0.1", 0))
port = probe.getsockname()[1]
probe.close()
(directory / "nginx.conf").write_text(f"""
daemon off; pid {directory}/pid; worker_processes 1;
error_log syslog:server=127.0.0.1:{sink.getsockname()[1]} notice;
events {{ worker_connections 32; }}
http {{
  access_log off; client_body_temp_path {directory}/logs/a; proxy_temp_path {directory}/logs/b;
  fastcgi_temp_path {directory}/logs/c; uwsgi_temp_path {directory}/logs/d; scgi_temp_path {directory}/logs/e;
  server {{ listen 127.0.0.1:{port}; root {directory}/nothing; }}
}}
""")
server = subprocess.Popen([nginx, "-p", directory, "-c", directory / "nginx.conf"], stderr=subprocess.DEVNULL)
for _ in range(100):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/absent")
    except urllib.error.HTTPError:
        break
    except OSError:
        time.sleep(0.1)
lines = []
try:
    while True:
        lines.append(sink.recv(65536).decode("utf-8", "replace"))
except TimeoutError:
    pass
server.terminate()
server.wait()
header = re.compile(r"<\d+>\w{3} [ \d]\d [\d:]{8} (\S*) nginx: ")
start = [line for line in lines if "using the" in line]
work = [line for line in lines if "failed (2:" in line]
hosts = [[bool(match[1]) for line in each if (match := header.match(line))] for each in (start, work)]
version = subprocess.run([nginx, "-v"], capture_output=True, text=True).stderr.split("/")[-1].strip()
print("version: nginx", version)
print("behaviour: the master's first line has two blanks where the host belongs, a worker's has the host")
print(f"seen: host in the line of the start: {hosts[0]}, in the line of a request: {hosts[1]}")
sys.exit(hosts != [[False], [True]])
PYTHON
python3 "$directory/run.py" "$directory"
