"""A PostgreSQL as a killed Ppl leaves it on a system without parent-death signals: running, and without the lock."""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor

from ppl.store.embedded.cluster import Cluster
from ppl.store.embedded.processes import state
from ppl.store.embedded.programs import Program, spawn
from tests.fixtures.database import FAST
from tests.waiting import until


async def left_running(data_dir: Path) -> Program:
    """Start PostgreSQL on ``data_dir`` without a service; returns it once it takes connections."""
    cluster = Cluster(data_dir)
    user = await cluster.prepare(reactor)
    settings = {**FAST, "listen_addresses": "", "unix_socket_directories": str(cluster.socket_directory)}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    command = [cluster.program("postgres"), "-D", str(cluster.directory), *words]
    program = spawn(reactor, user, cluster.directory, command)
    await until(lambda: state(cluster.directory, program.pid) == "ready", "PostgreSQL runs", 30)
    return program
