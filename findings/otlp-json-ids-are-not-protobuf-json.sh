#!/usr/bin/env bash
# OTLP's JSON writes trace and span ids as hex, protobuf's own JSON reads bytes as base64: json_format takes such a valid
# export without a word and makes other, longer ids of it. Runs without Ppl; needs python3 with venv and PyPI.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
python3 -m venv "$directory/venv"
"$directory/venv/bin/pip" --quiet --disable-pip-version-check install protobuf==6.33.2 opentelemetry-proto==1.39.1
cat > "$directory/run.py" <<'PYTHON'
import importlib.metadata as metadata
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

TRACE, SPAN = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
record = {"timeUnixNano": "1544712660300000000", "traceId": TRACE, "spanId": SPAN, "body": {"stringValue": "hello"}}
export = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
read = json_format.Parse(json.dumps(export), ExportLogsServiceRequest())
found = read.resource_logs[0].scope_logs[0].log_records[0]
print("version: protobuf", metadata.version("protobuf"), "with opentelemetry-proto", metadata.version("opentelemetry-proto"))
print("behaviour: hex ids of OTLP's JSON are read as base64, without an error: 24 bytes and 12 instead of 16 and 8")
print(f"seen: trace id of {len(found.trace_id)} bytes, span id of {len(found.span_id)} bytes,", found.trace_id.hex())
sys.exit((len(found.trace_id), len(found.span_id), found.trace_id.hex() == TRACE) != (24, 12, False))
PYTHON
"$directory/venv/bin/python" "$directory/run.py"
