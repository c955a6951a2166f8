#!/usr/bin/env bash
# pycef reads no header in which a bar is escaped, as the CEF standard wants and cefevent writes: the name is empty, the severity
# missing, and the first extension's key begins with the rest of the header. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install pycef==1.11 cefevent==0.5.6 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import sys

import pycef
from cefevent import CEFEvent

HEADER = {"deviceVendor": "Example", "deviceProduct": "Gate", "deviceVersion": "1.0", "signatureId": "100", "severity": 7}


def event(name):
    made = CEFEvent(strict=True)
    for key, value in {**HEADER, "name": name}.items():
        made.set_prefix(key, value)
    made.set_field("sourceAddress", "192.0.2.1")
    return made.build_cef()


plain, escaped = event("port scan"), event("tcp|udp scan")
found = pycef.parse(escaped)
shown = {key: found.get(key) for key in ("Name", "Severity", "src")}
other = [key for key in found if "|" in key]
print("version: pycef", metadata.version("pycef"), "reading cefevent", metadata.version("cefevent"))
print("behaviour: with an escaped bar in the name there is neither name nor severity, and the address has another key")
print("seen:", escaped, "is", shown, "and", other)
expected = {"Name": "", "Severity": None, "src": None}, ["scan|7|src"]
sys.exit(pycef.parse(plain)["Severity"] != "7" or (shown, other) != expected)
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
