"""Programs that push to a running Ppl, and what came of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.fixtures.programs import missing, program
from tests.fixtures.running import ROOT, PplProcess, Registered, eventually

_FIELDS = ("message", "file_name", "hostname", "severity", "structured_data")


def run_python(code: str, ppl: PplProcess, token: str) -> str:
    """Run a script in which URL and TOKEN stand for the drain; returns what it wrote."""
    code = code.replace("TOKEN", token).replace("URL", f"http://127.0.0.1:{ppl.http_port}")
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    return done.stdout + done.stderr


def node_packages(*packages: str) -> Path:
    """A directory with the packages of npm, which later runs find again."""
    program("node")
    directory = ROOT / "build/senders" / "+".join(each.replace("/", "_") for each in packages)
    if not (directory / "node_modules").is_dir():
        npm = program("npm")
        directory.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]
        done = subprocess.run([*command, str(directory), *packages], capture_output=True, text=True, timeout=300)
        if done.returncode:
            shutil.rmtree(directory)
            missing(f"the registry of npm, or a package ({done.stderr[-300:]})")
    return directory


def run_node(code: str, directory: Path, ppl: PplProcess, token: str) -> str:
    """As :func:`run_python`, in a directory with packages."""
    code = code.replace("TOKEN", token).replace("URL", f"http://127.0.0.1:{ppl.http_port}")
    script = directory / "script.cjs"
    script.write_text(code)
    done = subprocess.run(
        [program("node"), str(script)], check=True, timeout=60, capture_output=True, text=True, cwd=directory
    )
    return done.stdout + done.stderr


def stored(ppl: PplProcess, who: Registered, count: int) -> Sequence[dict[str, Any]]:
    """The ``count`` events, with their structured data read."""
    eventually(lambda: ppl.count(who.port) >= count, f"{count} events")
    rows = ppl.rows(
        f"SELECT {', '.join(_FIELDS)} FROM event JOIN destination d ON d.id = destination_id"
        " WHERE port = %s ORDER BY event.id",
        who.port,
    )
    assert len(rows) == count
    events = [dict(zip(_FIELDS, row, strict=True)) for row in rows]
    for each in events:
        each["structured_data"] = json.loads(str(each["structured_data"]) or "{}")
    return events
