#!/usr/bin/env bash
# A newline that logfmter writes as \n between quotes comes back from none of these parsers: PyPI's logfmt makes the value True
# and drops all that follows it on the line, npm's logfmt and @jclem/logfmt2 read the letter n. Runs without Ppl; needs python3
# with venv, PyPI, node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install logfmter==0.0.12 logfmt==0.4 2>/dev/null
npm install --silent --no-audit --no-fund --prefix "$directory" logfmt@1.4.0 @jclem/logfmt2@2.4.3
cat > read.cjs <<'JS'
const line = require("fs").readFileSync(0, "utf8");
const read = [require("logfmt").parse(line), require("@jclem/logfmt2").decode(line)];
console.log(JSON.stringify(read.map(({ msg, order }) => [msg, String(order)])));
JS
cat > run.py <<'PYTHON'
import importlib.metadata as metadata
import json
import logging
import subprocess
import sys

import logfmt
from logfmter import Logfmter

record = logging.LogRecord("app", logging.INFO, "app.py", 1, "first\nsecond", (), None)
record.order = 7
line = Logfmter().format(record)
(python,) = logfmt.parse([line])
node = json.loads(subprocess.run(["node", "read.cjs"], input=line, capture_output=True, text=True, check=True).stdout)
version = metadata.version
print(f"version: logfmter {version('logfmter')} to logfmt {version('logfmt')} of PyPI, logfmt 1.4.0 and @jclem/logfmt2 2.4.3 of npm")
print("behaviour: a value with an escaped newline is True and the last of its line in Python, and has a letter n in JavaScript")
print(f"seen: {line} is msg={python['msg']!r}, order={python.get('order')!r} in Python;",
      "; ".join(f"msg={msg!r}, order={order!r}" for msg, order in node), "in JavaScript")
expected = 'at=INFO msg="first\\nsecond" order=7', {"at": "INFO", "msg": True}, [["firstnsecond", "7"]] * 2
sys.exit((line, python, node) != expected)
PYTHON
"$directory/venv/bin/python" run.py
