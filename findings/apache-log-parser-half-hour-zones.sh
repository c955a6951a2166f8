#!/usr/bin/env bash
# apache-log-parser reads only the first digit of a zone's minutes: +0530 becomes 5 hours and 3 minutes, so that the times of
# India, Nepal or Newfoundland are up to 41 minutes off. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install apache-log-parser==1.7.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import sys

import apache_log_parser

parse = apache_log_parser.make_parser('%h %l %u %t "%r" %>s %b')
found = {}
for zone in ("+0200", "+0530", "+0545", "-0330"):
    line = f'192.0.2.1 - - [01/Jul/2026:12:00:00 {zone}] "GET / HTTP/1.1" 200 5'
    found[zone] = parse(line)["time_received_utc_isoformat"][11:19]
print("version: apache-log-parser", metadata.version("apache-log-parser"))
print("behaviour: of the minutes of an offset only the first digit counts, and as minutes")
print("seen: in UTC, 12:00 with", ", ".join(f"{zone} is {time}" for zone, time in found.items()))
sys.exit(found != {"+0200": "10:00:00", "+0530": "06:57:00", "+0545": "06:56:00", "-0330": "15:03:00"})
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
