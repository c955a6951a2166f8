#!/usr/bin/env bash
# logging-journald writes Python's CRITICAL as priority 0 (emerg), which journald shows on every terminal of the machine: its table
# names CRITICAL (2) and FATAL (0), which are one level in Python, and the last one counts. Runs without Ppl and without systemd;
# needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install logging-journald==0.6.12 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import logging
import socket
import sys

from logging_journald import JournaldLogHandler

path = f"{sys.argv[1]}/socket"
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind(path)
journal.settimeout(10)
logger = logging.getLogger("app")
logger.setLevel(logging.DEBUG)
logger.addHandler(JournaldLogHandler(identifier="app", socket_path=path))
seen = {}
for level in ("debug", "info", "warning", "error", "critical"):
    getattr(logger, level)("hello")
    fields = journal.recv(65536).decode().splitlines()
    seen[level] = next(field.removeprefix("PRIORITY=") for field in fields if field.startswith("PRIORITY="))
print("version: logging-journald", metadata.version("logging-journald"))
print("behaviour: CRITICAL is written as 0, emerg, and not as 2, crit")
print("seen:", ", ".join(f"{level} is PRIORITY={priority}" for level, priority in seen.items()))
sys.exit(list(seen.values()) != ["7", "6", "4", "3", "0"])
PYTHON
"$directory/venv/bin/python" "$directory/run.py" "$directory"
