#!/usr/bin/env bash
# Perl's Sys::Syslog over TCP ends each message with a newline and then a NUL: a receiver that splits at newlines finds the NUL
# at the beginning of the next message, before its PRI. Runs without Ppl; needs apt-get, dpkg and python3 (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/root"
(cd "$directory" && apt-get download -qq perl-base=5.36.0-7+deb12u3 libperl5.36=5.36.0-7+deb12u3 perl-modules-5.36=5.36.0-7+deb12u3 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
cat > "$directory/run.py" <<'PYTHON'
import pathlib
import socket
import subprocess
import sys

root = pathlib.Path(sys.argv[1]) / "root"
architecture = next(root.glob("usr/lib/*/perl/5.36*")).parents[1]
libraries = [architecture / "perl/5.36", architecture / "perl-base", root / "usr/share/perl/5.36"]
perl = [root / "usr/bin/perl", *(f"-I{each}" for each in libraries), "-MSys::Syslog=:standard,:extended"]
sink = socket.create_server(("127.0.0.1", 0))
program = f"""
setlogsock({{ type => "tcp", host => "127.0.0.1", port => {sink.getsockname()[1]} }}) or die;
openlog("app", "ndelay,pid", "user"); syslog("err", "first"); syslog("err", "second"); closelog();
"""
sender = subprocess.Popen([*perl, "-e", program])
connection, _ = sink.accept()
connection.settimeout(10)
data = b""
while read := connection.recv(4096):
    data += read
sender.wait()
version = subprocess.run([*perl, "-e", "print $Sys::Syslog::VERSION"], capture_output=True, text=True).stdout
pieces = data.split(b"\n")
beginnings = [each[:4] for each in pieces]
print("version: Sys::Syslog", version, "of perl 5.36.0")
print("behaviour: messages over TCP end with a newline and a NUL, so that split at newlines each later one begins with NUL")
print("seen:", beginnings)
sys.exit(beginnings != [b"<11>", b"\0<11", b"\0"])
PYTHON
python3 "$directory/run.py" "$directory"
