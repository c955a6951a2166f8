"""OpenTelemetry's exporters of PyPI and npm, sending to Ppl as they are."""

from __future__ import annotations

import pytest

from tests.fixtures.running import PplProcess
from tests.peers.pushing import node_packages, run_node, run_python, stored

pytestmark = [pytest.mark.peer, pytest.mark.long, pytest.mark.beside]

PYTHON = """
import logging, os
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "URL"
os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "authorization=Bearer%20TOKEN"
os.environ["OTEL_EXPORTER_OTLP_COMPRESSION"] = "PACKED"
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
provider = LoggerProvider(Resource.create({"service.name": "shop", "host.name": "web1"}))
provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
log = logging.getLogger("cart")
log.addHandler(LoggingHandler(logger_provider=provider))
log.error("it broke: ✓", extra={"user": {"id": 7}})
try:
    1 / 0
except ZeroDivisionError:
    log.exception("a traceback")
log.warning("and again")
provider.shutdown()
"""
NODE = """
const { LoggerProvider, BatchLogRecordProcessor } = require("@opentelemetry/sdk-logs");
const { OTLPLogExporter } = require("PACKAGE");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { diag, DiagConsoleLogger, DiagLogLevel } = require("@opentelemetry/api");
diag.setLogger(new DiagConsoleLogger(), DiagLogLevel.WARN);
const exporter = new OTLPLogExporter({ url: "URL/v1/logs", headers: { authorization: "Bearer TOKEN" } });
const provider = new LoggerProvider({ resource: resourceFromAttributes({ "service.name": "shop", "host.name": "web1" }),
    processors: [new BatchLogRecordProcessor({ exporter })] });
const log = provider.getLogger("cart");
log.emit({ severityNumber: 17, severityText: "ERROR", body: "it broke: ✓",
    attributes: { user: { id: 7 }, n: 2 ** 60 } });
log.emit({ severityNumber: 13, severityText: "WARN", body: { message: "and again", lone: "\\ud800" } });
provider.shutdown().then(() => process.exit());
"""
VERSIONS = ("@opentelemetry/api@1.10.0", "@opentelemetry/sdk-logs@3.1.0", "@opentelemetry/resources@3.1.0")


@pytest.mark.parametrize("packed", ["none", "gzip", "deflate"])
def test_pythons_exporter(module_ppl: PplProcess, packed: str) -> None:
    who = module_ppl.register()
    said = run_python(PYTHON.replace("PACKED", packed), module_ppl, module_ppl.create_drain(who))
    assert "Failed" not in said
    first, second, third = stored(module_ppl, who, 3)
    assert (first["message"], first["severity"]) == ("it broke: ✓", 3)
    assert (first["file_name"], first["hostname"]) == ("shop", "web1")
    assert first["structured_data"]["user"] == {"id": 7}
    assert first["structured_data"]["otel.scope.name"] == "cart"
    assert "ZeroDivisionError" in second["structured_data"]["exception.stacktrace"]
    assert (third["message"], third["severity"]) == ("and again", 4)


@pytest.mark.parametrize("package", ["exporter-logs-otlp-http", "exporter-logs-otlp-proto"])
def test_javascripts_exporters(module_ppl: PplProcess, package: str) -> None:
    packages = node_packages(*VERSIONS, f"@opentelemetry/{package}@0.301.0")
    who = module_ppl.register()
    code = NODE.replace("PACKAGE", f"@opentelemetry/{package}")
    said = run_node(code, packages, module_ppl, module_ppl.create_drain(who))
    assert said == ""
    first, second = stored(module_ppl, who, 2)
    assert (first["message"], first["severity"], first["file_name"]) == ("it broke: ✓", 3, "shop")
    assert first["structured_data"]["user"] == {"id": 7}
    assert (second["message"], second["severity"]) == ("and again", 4)
