#!/usr/bin/env bash
# Importing Twisted's endpoints removes systemd's LISTEN_FDS and LISTEN_PID (not LISTEN_FDNAMES) from os.environ, so that a
# program that reads them after its imports sees no socket activation; /proc/self/environ still has them.
# Runs without systemd and without Ppl; needs python3 with venv, PyPI and Linux.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install Twisted==26.10.0
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata
import os
import pathlib
import sys

NAMES = ("LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
before = sum(name in os.environ for name in NAMES)
import twisted.internet.endpoints  # noqa: E402, F401

after = [name for name in NAMES if name in os.environ]
started_with = pathlib.Path("/proc/self/environ").read_bytes().count(b"LISTEN_")
print("version: Twisted", importlib.metadata.version("Twisted"))
print("behaviour: importing twisted.internet.endpoints removes LISTEN_FDS and LISTEN_PID, and leaves LISTEN_FDNAMES")
print(f"seen: {before} of 3 before the import, after it {after}, {started_with} in /proc/self/environ")
sys.exit((before, after, started_with) != (3, ["LISTEN_FDNAMES"], 3))
PYTHON
(LISTEN_PID=$BASHPID LISTEN_FDS=1 LISTEN_FDNAMES=web exec "$directory/venv/bin/python" "$directory/run.py" 3</dev/null)
