#!/usr/bin/env bash
# rsyslog's RFC 5424 template writes "postfix" for a line of postfix/smtpd, postfix/qmgr and postfix/cleanup alike: what follows
# a slash is in the traditional template only. Runs without Ppl; needs apt-get, dpkg and python3 (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'kill "$(cat "$directory/pid" 2>/dev/null)" 2>/dev/null || true; sleep 0.5; rm -rf "$directory"' EXIT
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
modules = next(root.glob("usr/lib/*/rsyslog"))
environment = {"LD_LIBRARY_PATH": f"{modules.parent}:{root}/lib/{modules.parent.name}", "PATH": "/usr/bin"}
probe = socket.socket()
probe.bind(("127.0.0.1", 0))
entry = probe.getsockname()[1]
probe.close()
(directory / "rsyslog.conf").write_text(f"""
global(workDirectory="{directory}/work")
module(load="imtcp")
input(type="imtcp" port="{entry}" address="127.0.0.1")
action(type="omfile" file="{directory}/5424.log" template="RSYSLOG_SyslogProtocol23Format")
action(type="omfile" file="{directory}/3164.log" template="RSYSLOG_FileFormat")
""")
server = subprocess.Popen(
    [root / "usr/sbin/rsyslogd", "-n", "-f", directory / "rsyslog.conf", "-i", directory / "pid", "-M", modules],
    env=environment, stderr=subprocess.DEVNULL,
)
version = subprocess.run([root / "usr/sbin/rsyslogd", "-v"], capture_output=True, text=True, env=environment).stdout.split()[1]
for _ in range(200):
    try:
        feed = socket.create_connection(("127.0.0.1", entry))
        break
    except OSError:
        time.sleep(0.05)
programs = ["postfix/smtpd", "postfix/qmgr", "dovecot"]
for program in programs:
    feed.sendall(f"<22>Nov 30 00:00:00 mail {program}[42]: hello\n".encode())
logs = [directory / "5424.log", directory / "3164.log"]
for _ in range(200):
    if all(each.exists() and each.read_text().count("\n") == 3 for each in logs):
        break
    time.sleep(0.05)
new = [line.split(" ")[3] for line in logs[0].read_text().splitlines()]
old = [line.split(" ")[2].partition("[")[0] for line in logs[1].read_text().splitlines()]
server.terminate()
server.wait()
print("version: rsyslogd", version)
print("behaviour: APP-NAME of RSYSLOG_SyslogProtocol23Format ends at the slash, the tag of RSYSLOG_FileFormat does not")
print("seen:", "; ".join(f"{program}: {a} and {b}" for program, a, b in zip(programs, new, old, strict=True)))
sys.exit((new, old) != (["postfix", "postfix", "dovecot"], programs))
PYTHON
python3 "$directory/run.py" "$directory"
