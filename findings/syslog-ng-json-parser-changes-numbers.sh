#!/usr/bin/env bash
# syslog-ng's json-parser keeps six decimals of a number and no integer beyond 2^63-1: 0.0000004 becomes 0.000000, a time in seconds
# loses its nanoseconds, and an unsigned id of 64 bits becomes 9223372036854775807, as all of its kind do.
# Runs without Ppl; needs apt-get, dpkg and python3 (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'kill "$(cat "$directory/pid" 2>/dev/null)" 2>/dev/null || true; sleep 0.5; rm -rf "$directory"' EXIT
mkdir "$directory/root"
(cd "$directory" && apt-get download -qq syslog-ng-core=3.38.1-5+deb12u1 libivykis0=0.42.4-1 libjson-c5=0.16-2 \
    libnet1=1.1.6+dfsg-3.2 libpcre3=2:8.39-15 libwrap0=7.6.q-32 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
cat > "$directory/run.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys
import time

directory = pathlib.Path(sys.argv[1])
root = directory / "root"
libraries = root / "usr/lib/syslog-ng"
shared = next(root.glob("usr/lib/*/libivykis.so.0")).parent
environment = {"LD_LIBRARY_PATH": f"{libraries}:{shared}:{root}/lib/{shared.name}", "PATH": "/usr/bin"}
numbers = ["7", "1.5", "0.0000004", "1796000000.123456789", "9007199254740993", "18446744073709551615", "9223372036854775808"]
(directory / "lines").write_text(json.dumps({"text": "hello"})[:-1] + "".join(
    f', "n{index}": {number}' for index, number in enumerate(numbers)
) + "}\n")
out = directory / "out"
(directory / "syslog-ng.conf").write_text(f"""
@version: 3.38
source lines {{ file("{directory}/lines" flags(no-parse)); }};
parser json {{ json-parser(prefix(".json.")); }};
destination out {{ file("{out}" template("$(format-json --key .json.* --rekey .json.* --shift-levels 2)\\n")); }};
log {{ source(lines); parser(json); destination(out); }};
""")
files = {"-f": "syslog-ng.conf", "-R": "persist", "-c": "control", "--pidfile": "pid"}
command = [root / "usr/sbin/syslog-ng", "-F", "--no-caps", f"--module-path={libraries}/3.38"]
command += [part for option, name in files.items() for part in (option, directory / name)]
version = subprocess.run([*command[:1], "--version"], env=environment, capture_output=True, text=True).stdout
server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
for _ in range(200):
    if out.exists() and out.read_text().endswith("\n"):
        break
    time.sleep(0.05)
server.terminate()
server.wait()
read = json.loads(out.read_text())
found = {number: str(read[f"n{index}"]) for index, number in enumerate(numbers)}
print("version: syslog-ng", version.split("(")[1].split(")")[0])
print("behaviour: decimals are cut to six (or filled up to them), integers beyond 64 bits with a sign become the largest one")
print("seen:", ", ".join(f"{number} is {value}" for number, value in found.items()))
sys.exit(list(found.values()) != [
    "7", "1.500000", "0.000000", "1796000000.123457", "9007199254740993", "9223372036854775807", "9223372036854775807",
])
PYTHON
python3 "$directory/run.py" "$directory"
