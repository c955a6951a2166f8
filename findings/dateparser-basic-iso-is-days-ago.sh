#!/usr/bin/env bash
# dateparser takes a time in ISO 8601's basic form, 20260701T120000Z, for a number of days: it answers "120,000 days ago", a moment in
# the year 1698 without a zone, where the extended form is read right. Only languages=["en"] makes it None.
# Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install dateparser==1.5.0 2>/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import sys
from datetime import datetime, timedelta

import dateparser

now = datetime.now()
seen = {}
for text in ("20260701T120000Z", "2026-07-01T120000Z", "20260701T1200Z"):
    found = dateparser.parse(text)
    seen[text] = round((now - found) / timedelta(days=1))
right = dateparser.parse("2026-07-01T12:00:00Z")
english = dateparser.parse("20260701T120000Z", languages=["en"])
print("version: dateparser", metadata.version("dateparser"))
print("behaviour: the digits after the T are taken for a number of days before now")
print("seen:", ", ".join(f"{text} is {days} days ago" for text, days in seen.items()), "and in English", english,
      "while 2026-07-01T12:00:00Z is", right)
sys.exit((list(seen.values()), english, str(right)) != ([120000, 120000, 1200], None, "2026-07-01 12:00:00+00:00"))
PYTHON
TZ=UTC "$directory/venv/bin/python" "$directory/run.py"
