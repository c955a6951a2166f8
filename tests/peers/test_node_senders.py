"""Logging packages of npm, configured as ``docs/senders.rst`` says: each message is an event of its own, and right."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.programs import missing, program
from tests.fixtures.running import ROOT, PplProcess, eventually

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

#: The versions that the page names.
PACKAGES = (
    "winston@3.19.0", "winston-syslog@2.7.1", "syslog-client@1.1.1", "pino@10.4.0", "pino-syslog@4.0.0",
    "pino-socket@8.0.0", "@logtape/logtape@1.3.10", "@logtape/syslog@1.3.10",
)  # fmt: skip
#: name → a script that sends two messages as the program ``myapp``.
SENDERS = {
    "winston-syslog over UDP": """
const winston = require("winston");
const { Syslog } = require("winston-syslog");
const log = winston.createLogger({ levels: winston.config.syslog.levels, transports: [new Syslog(
    { host: "127.0.0.1", port: PORT, protocol: "udp4", app_name: "myapp", localhost: "web1" })] });
log.error("it broke: ✓"); log.warning("and again");
setTimeout(() => process.exit(), 500);
""",
    "winston-syslog over TCP": """
const winston = require("winston");
const { Syslog } = require("winston-syslog");
const log = winston.createLogger({ levels: winston.config.syslog.levels, transports: [new Syslog(
    { host: "127.0.0.1", port: PORT, protocol: "tcp4", eol: "\\n", type: "BSD",
      app_name: "myapp", localhost: "web1" })] });
log.error("it broke: ✓"); log.warning("and again");
setTimeout(() => process.exit(), 500);
""",
    "syslog-client over TCP": """
const syslog = require("syslog-client");
const client = syslog.createClient("127.0.0.1", { port: PORT, transport: syslog.Transport.Tcp,
    rfc3164: false, appName: "myapp", syslogHostname: "web1" });
client.log("it broke: ✓", { severity: syslog.Severity.Error }, () =>
    client.log("and again", { severity: syslog.Severity.Warning }, () => client.close()));
""",
    "pino-syslog through pino-socket": """
const pino = require("pino");
const log = pino(pino.transport({ pipeline: [
    { target: require.resolve("pino-syslog"), options: { modern: true, appname: "myapp", newline: true } },
    { target: require.resolve("pino-socket"),
      options: { mode: "tcp", address: "127.0.0.1", port: PORT } }] }));
log.error("it broke: ✓"); log.warn("and again");
setTimeout(() => process.exit(), 1500);
""",
    "LogTape over TCP": """
const { configure, dispose, getLogger } = require("@logtape/logtape");
const { getSyslogSink } = require("@logtape/syslog");
(async () => {
    await configure({ sinks: { syslog: getSyslogSink({ hostname: "127.0.0.1", port: PORT, protocol: "tcp",
        appName: "myapp", syslogHostname: "web1" }) },
        loggers: [{ category: [], sinks: ["syslog"] },
                  { category: ["logtape", "meta"], sinks: [], lowestLevel: "error" }] });
    const log = getLogger(["shop"]);
    log.error("it broke: ✓"); log.warn("and again");
    await dispose();
})();
""",
}


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """A directory with the packages, which later runs find again."""
    program("node")
    directory = ROOT / "build/senders" / "+".join(each.replace("/", "_") for each in PACKAGES)
    if not (directory / "node_modules").is_dir():
        npm = program("npm")
        directory.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "install", "--silent", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix",
             str(directory), *PACKAGES],
            capture_output=True,
            text=True,
            timeout=300,
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(directory)
            missing(f"the registry of npm, or a package ({done.stderr[-300:]})")
    return directory


@pytest.mark.parametrize("name", SENDERS)
def test_each_message_is_an_event_with_its_severity(module_ppl: PplProcess, node_modules: Path, name: str) -> None:
    who = module_ppl.register()
    script = SENDERS[name].replace("PORT", str(who.port))
    subprocess.run([program("node"), "-e", script], cwd=node_modules, check=True, timeout=60)
    eventually(lambda: len(module_ppl.messages(who.port)) == 2, "two events", 20)
    rows = module_ppl.rows(
        "SELECT message, file_name, severity, hostname, abs(extract(epoch FROM now()) - event.created_at / 1e6) < 60"
        " FROM event JOIN destination d ON d.id = destination_id WHERE port = %s ORDER BY event.id",
        who.port,
    )
    assert [row[1:3] for row in rows] == [("myapp", 3), ("myapp", 4)]
    for (message, _, _, hostname, on_time), text in zip(rows, ("it broke: ✓", "and again"), strict=True):
        assert text in message
        assert hostname
        assert on_time
