#!/usr/bin/env bash
# "journalctl -o json" gives a message as text only if it is printable and short: one with a colour or a carriage return is a list
# of numbers, one beyond 4,096 bytes is null (but for --all), and a field that an entry has twice is a list of texts. Runs without
# Ppl; needs apt-get, dpkg and python3 (Debian 12).
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
mkdir "$directory/root"
(cd "$directory" && apt-get download -qq systemd=252.39-1~deb12u2 systemd-journal-remote=252.39-1~deb12u2 \
    libsystemd-shared=252.39-1~deb12u2 libmicrohttpd12=0.9.75-6 2>/dev/null)
for package in "$directory"/*.deb; do dpkg -x "$package" "$directory/root"; done
cat > "$directory/run.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys

directory = pathlib.Path(sys.argv[1])
root = directory / "root"
shared = next(root.glob("usr/lib/*/systemd"))
environment = {"LD_LIBRARY_PATH": f"{shared}:{shared.parent}", "PATH": "/usr/bin"}
messages = {
    "plain": ["hello"], "coloured": ["\x1b[31mhello\x1b[0m"], "with CR": ["hello\r"], "of 4,000 bytes": ["x" * 4000],
    "of 5,000 bytes": ["x" * 5000], "with a newline": ["first\nsecond"], "twice": ["first", "second"],
}


def field(name, text):
    data = text.encode()
    return f"{name}\n".encode() + len(data).to_bytes(8, "little") + data + b"\n"


export = directory / "export"
head = "__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=1\n_BOOT_ID=0123456789abcdef0123456789abcdef\n"
export.write_bytes(b"".join(
    (head % (1796000000000000 + number)).encode() + b"".join(field("MESSAGE", text) for text in texts) + b"\n"
    for number, texts in enumerate(messages.values())
))
journal = directory / "made.journal"
writer = [root / "lib/systemd/systemd-journal-remote", f"--output={journal}", export]
subprocess.run(writer, check=True, env=environment, capture_output=True)
reader = [root / "bin/journalctl", f"--file={journal}"]
version = subprocess.run([*reader, "--version"], check=True, env=environment, capture_output=True, text=True).stdout
lines = subprocess.run([*reader, "--output=json"], check=True, env=environment, capture_output=True, text=True).stdout
found = {}
for name, line in zip(messages, lines.splitlines(), strict=True):
    message = json.loads(line)["MESSAGE"]
    items = {type(each).__name__ for each in message} if isinstance(message, list) else set()
    found[name] = f"list of {items.pop()}" if items else type(message).__name__
print("version: journalctl", version.split()[1])
print("behaviour: MESSAGE is a list of numbers if it has a control character, null if it is long, a list of texts if it is there twice")
print("seen:", ", ".join(f"{name}: {kind}" for name, kind in found.items()))
kinds = ["str", "list of int", "list of int", "str", "NoneType", "str", "list of str"]
sys.exit(list(found.values()) != kinds)
PYTHON
python3 "$directory/run.py" "$directory"
