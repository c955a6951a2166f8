#!/usr/bin/env bash
# logging-gelf sends each level that is not one of Python's five as 1, alert: a level of one's own between INFO and WARNING, or
# below DEBUG, outranks CRITICAL (2). Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install logging-gelf==0.0.32 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import json
import logging
import sys

from logging_gelf.formatters import GELFFormatter

logging.addLevelName(5, "TRACE")
logging.addLevelName(25, "NOTICE")
formatter = GELFFormatter()
seen = {}
for level in (5, 10, 20, 25, 30, 40, 50):
    record = logging.LogRecord("app", level, "app.py", 1, "hello", (), None)
    seen[record.levelname] = json.loads(formatter.format(record))["level"]
print("version: logging-gelf", metadata.version("logging-gelf"))
print("behaviour: levels that Python does not name itself are sent as 1, alert")
print("seen:", ", ".join(f"{name} {level}" for name, level in seen.items()))
sys.exit(list(seen.values()) != [1, 7, 6, 1, 4, 3, 2])
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
