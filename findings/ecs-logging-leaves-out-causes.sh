#!/usr/bin/env bash
# ecs-logging writes only the frames of the last exception as error.stack_trace: what "raise … from" names as the cause, its message
# and its frames are nowhere in the line, where Python's own formatter has them first. Runs without Ppl; needs python3 with venv
# and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install ecs-logging==2.3.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import io
import json
import logging
import sys

import ecs_logging


def connect():
    raise OSError("disk is full")


def store():
    try:
        connect()
    except OSError as error:
        raise RuntimeError("order not stored") from error


logger = logging.getLogger("app")
outputs = {"ECS": io.StringIO(), "Python": io.StringIO()}
for name, output in outputs.items():
    handler = logging.StreamHandler(output)
    handler.setFormatter(ecs_logging.StdlibFormatter() if name == "ECS" else logging.Formatter())
    logger.addHandler(handler)
try:
    store()
except RuntimeError:
    logger.exception("failed")
found = {name: ["disk is full" in output.getvalue(), "in connect" in output.getvalue()] for name, output in outputs.items()}
error = json.loads(outputs["ECS"].getvalue())["error"]
print("version: ecs-logging", metadata.version("ecs-logging"))
print("behaviour: error has the outer exception and its frames; the cause is nowhere in the line")
print(f"seen: cause's message and frame in Python's text: {found['Python']}, in the ECS line: {found['ECS']},",
      f"error.message {error['message']!r}, stack_trace of {error['stack_trace'].count('File ')} frames")
sys.exit(found != {"ECS": [False, False], "Python": [True, True]})
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
