#!/usr/bin/env bash
# Python's SysLogHandler ends a message over TCP with NUL, rsyslog's imtcp a message with a newline: all that one connection
# sends becomes one message, the priorities of the later ones in its text. Runs without Ppl; needs apt-get, dpkg and python3
# (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'kill "$(cat "$directory/pid" 2>/dev/null)" 2>/dev/null || true; sleep 0.5; rm -rf "$directory"' EXIT
mkdir "$directory/root" "$directory/work"
(cd "$directory" && apt-get download -qq rsyslog=8.2302.0-1+deb12u1 libestr0=0.1.11-1 libfastjson4=1.2304.0-1 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
cat > "$directory/run.py" <<'PYTHON'
import logging
import logging.handlers
import pathlib
import platform
import socket
import subprocess
import sys
import time

directory = pathlib.Path(sys.argv[1])
root = directory / "root"
modules = next(root.glob("usr/lib/*/rsyslog"))
environment = {"LD_LIBRARY_PATH": f"{modules.parent}:{root}/lib/{modules.parent.name}", "PATH": "/usr/bin"}
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
entry = probe.getsockname()[1]
probe.close()
log = directory / "got.log"
(directory / "rsyslog.conf").write_text(f"""
global(workDirectory="{directory}/work")
module(load="imtcp")
input(type="imtcp" port="{entry}" address="127.0.0.1")
template(name="Said" type="string" string="%syslogseverity-text%|%rawmsg%\\n")
action(type="omfile" file="{log}" template="Said")
""")
server = subprocess.Popen(
    [root / "usr/sbin/rsyslogd", "-n", "-f", directory / "rsyslog.conf", "-i", directory / "pid", "-M", modules],
    env=environment, stderr=subprocess.DEVNULL,
)
version = subprocess.run([root / "usr/sbin/rsyslogd", "-v"], capture_output=True, text=True, env=environment).stdout.split()[1]
for _ in range(200):
    try:
        socket.create_connection(("127.0.0.1", entry)).close()
        break
    except OSError:
        time.sleep(0.05)
handler = logging.handlers.SysLogHandler(("127.0.0.1", entry), socktype=socket.SOCK_STREAM)
logger = logging.getLogger("app")
logger.addHandler(handler)
for level, message in ((logging.WARNING, "first"), (logging.ERROR, "second"), (logging.CRITICAL, "third")):
    logger.log(level, message)
handler.close()
for _ in range(100):
    if log.exists() and log.read_text():
        break
    time.sleep(0.05)
time.sleep(0.5)
lines = log.read_text().splitlines()
server.terminate()
server.wait()
print("version: rsyslogd", version, "and Python", platform.python_version().rpartition(".")[0])
print("behaviour: three messages of three severities arrive as one of the first's severity")
print("seen:", lines)
sys.exit(lines != ["warning|<12>first#000<11>second#000<10>third"])
PYTHON
python3 "$directory/run.py" "$directory"
