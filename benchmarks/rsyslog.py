"""rsyslog, writing into PostgreSQL with ompgsql: the rival in :mod:`benchmarks.ingest`.

It is tuned as its documentation recommends: a queue in memory, two workers, batches of 2,000, one transaction for each
batch. Its table has the columns and the key of ``event``, but no partitions and no counts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from urllib.parse import urlencode

from psycopg2.extensions import parse_dsn

from tests.fixtures.database import execute
from tests.fixtures.running import eventually

TABLE = """
    CREATE TABLE rival (
        destination_id bigint NOT NULL,
        id bigint GENERATED ALWAYS AS IDENTITY,
        created_at timestamptz NOT NULL,
        sender_ip inet NOT NULL,
        facility smallint,
        severity smallint,
        hostname text NOT NULL,
        file_name text NOT NULL,
        procid text NOT NULL,
        msgid text NOT NULL,
        structured_data text NOT NULL,
        message text NOT NULL,
        PRIMARY KEY (destination_id, id)
    )
"""

_CONFIGURATION = """
    global(workDirectory="{directory}")
    module(load="imtcp")
    module(load="ompgsql")
    template(name="row" type="string" option.stdsql="on" string="INSERT INTO rival (destination_id, created_at,\
 sender_ip, facility, severity, hostname, file_name, procid, msgid, structured_data, message) VALUES (1,\
 '%timereported:::date-rfc3339%', '%fromhost-ip%', %syslogfacility%, %syslogseverity%, '%hostname%', '%app-name%',\
 '%procid%', '%msgid%', '%structured-data%', '%msg%')")
    ruleset(name="store" queue.type="FixedArray" queue.size="200000" queue.workerThreads="2"
            queue.workerThreadMinimumMessages="2000" queue.dequeueBatchSize="2000") {{
        action(type="ompgsql" conninfo="{conninfo}" template="row")
    }}
    input(type="imtcp" address="127.0.0.1" port="{port}" ruleset="store")
"""


def find_rsyslogd() -> str | None:
    """The path of rsyslogd, if it is installed with ompgsql (Debian: ``rsyslog``, ``rsyslog-pgsql``)."""
    path = shutil.which("rsyslogd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if path is None:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write('module(load="ompgsql")\naction(type="omfile" file="/dev/null")\n')
        file.flush()
        checked = subprocess.run([path, "-N1", "-f", file.name], capture_output=True, check=False)
    return path if checked.returncode == 0 else None


@contextmanager
def running_rsyslog(rsyslogd: str, dsn: str, directory: Path, port: int) -> Iterator[None]:
    """Create the table ``rival`` in ``dsn``, and run an rsyslogd that stores in it the lines from TCP ``port``."""
    execute(dsn, TABLE)
    # As a URI, because rsyslog accepts no blanks here.
    conninfo = "postgresql:///?" + urlencode(parse_dsn(dsn))
    configuration = directory / "rsyslog.conf"
    configuration.write_text(dedent(_CONFIGURATION).format(directory=directory, conninfo=conninfo, port=port), "utf-8")
    log = directory / "rsyslog.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [rsyslogd, "-n", "-i", str(directory / "rsyslog.pid"), "-f", str(configuration)],
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: process.poll() is not None or _listens(port), "rsyslogd listens")
        assert process.poll() is None, log.read_text("utf-8")
        yield
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    # Without connecting: rsyslog would count that as an empty sender.
    table = Path("/proc/net/tcp").read_text("ascii").splitlines()
    return any(row.split()[1].endswith(f":{port:04X}") for row in table)
