#!/usr/bin/env bash
# rsyslog's omfwd, which only ever writes, looks for its receiver's FIN before each message: a receiver that half-closes
# and reads on loses no line at a restart. Runs without Ppl; needs apt-get, dpkg and python3 (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'kill "$(cat "$directory/pid" 2>/dev/null)" 2>/dev/null || true; rm -rf "$directory"' EXIT
mkdir "$directory/root" "$directory/work"
(cd "$directory" && apt-get download -qq rsyslog=8.2302.0-1+deb12u1 libestr0=0.1.11-1 libfastjson4=1.2304.0-1 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
cat > "$directory/run.py" <<'PYTHON'
import pathlib
import socket
import subprocess
import sys
import time

directory = pathlib.Path(sys.argv[1])
root = directory / "root"
sink = socket.create_server(("127.0.0.1", 0))
source = socket.socket()
source.bind(("127.0.0.1", 0))
entry = source.getsockname()[1]
source.close()
(directory / "rsyslog.conf").write_text(f"""
global(workDirectory="{directory}/work")
module(load="imtcp")
input(type="imtcp" port="{entry}" address="127.0.0.1")
action(type="omfwd" protocol="tcp" target="127.0.0.1" port="{sink.getsockname()[1]}"
       action.resumeInterval="1" action.resumeRetryCount="-1" queue.type="LinkedList" queue.size="100000")
""")
modules = next(root.glob("usr/lib/*/rsyslog"))
process = subprocess.Popen(
    [root / "usr/sbin/rsyslogd", "-n", "-f", directory / "rsyslog.conf", "-i", directory / "pid", "-M", modules],
    env={"LD_LIBRARY_PATH": f"{modules.parent}:{root}/lib/{modules.parent.name}", "PATH": "/usr/bin"},
    stderr=subprocess.DEVNULL,
)
version = subprocess.run(
    [root / "usr/sbin/rsyslogd", "-v"], capture_output=True, text=True,
    env={"LD_LIBRARY_PATH": f"{modules.parent}:{root}/lib/{modules.parent.name}"},
).stdout.split()[1]
for _ in range(200):
    try:
        feed = socket.create_connection(("127.0.0.1", entry))
        break
    except OSError:
        time.sleep(0.05)
sink.settimeout(20)
got, peer_ended = [], 0


def lines_of(connection, until):
    """Read complete lines until ``until`` of them in all have come, or the sender ends."""
    data = b""
    connection.settimeout(20)
    while len(got) < until:
        read = connection.recv(65536)
        if not read:
            return True
        data += read
        *whole, data = data.split(b"\n")
        got.extend(line.rsplit(b" ", 1)[-1] for line in whole)
    return False


number = 0
for restart in range(5):
    connection = None
    for _ in range(200):
        feed.sendall(b"<13>Nov 30 00:00:00 host app: line %d\n" % number)
        number += 1
    connection, _ = sink.accept()
    lines_of(connection, number)
    # The receiver stops: nothing more is written by it, and what comes is still read.
    connection.shutdown(socket.SHUT_WR)
    for _ in range(200):
        feed.sendall(b"<13>Nov 30 00:00:00 host app: line %d\n" % number)
        number += 1
    peer_ended += lines_of(connection, number)
    connection.close()
connection, _ = sink.accept()
lines_of(connection, number)
process.terminate()
process.wait()
lost = number - len(set(got))
print("version: rsyslogd", version)
print("behaviour: after its receiver's half-close omfwd sends nothing more on that connection, ends it and opens another")
print(f"seen: {number} lines sent over 5 half-closes, {lost} lost, ended by rsyslog {peer_ended} times")
sys.exit((lost, peer_ended) != (0, 5))
PYTHON
python3 "$directory/run.py" "$directory"
