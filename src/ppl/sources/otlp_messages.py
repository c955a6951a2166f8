"""The protobuf messages of OpenTelemetry's logs, as far as Ppl reads them.

https://github.com/open-telemetry/opentelemetry-proto has them, in ``logs/v1``, ``resource/v1`` and ``common/v1``.
"""

from __future__ import annotations

from ppl.sources.protobuf import message_classes

#: The messages by the names that OpenTelemetry gives them.
OTLP = message_classes(
    "otlp",
    {
        "AnyValue": {
            "string_value": (1, "|bytes"),
            "bool_value": (2, "|bool"),
            "int_value": (3, "|int64"),
            "double_value": (4, "|double"),
            "array_value": (5, "|ArrayValue"),
            "kvlist_value": (6, "|KeyValueList"),
            "bytes_value": (7, "|bytes"),
        },
        "ArrayValue": {"values": (1, "*AnyValue")},
        "KeyValueList": {"values": (1, "*KeyValue")},
        "KeyValue": {"key": (1, "bytes"), "value": (2, "AnyValue")},
        "Resource": {"attributes": (1, "*KeyValue")},
        "InstrumentationScope": {
            "name": (1, "bytes"),
            "version": (2, "bytes"),
            "attributes": (3, "*KeyValue"),
        },
        "LogRecord": {
            "time_unix_nano": (1, "fixed64"),
            "severity_number": (2, "int32"),
            "severity_text": (3, "bytes"),
            "body": (5, "AnyValue"),
            "attributes": (6, "*KeyValue"),
            "dropped_attributes_count": (7, "uint32"),
            "flags": (8, "fixed32"),
            "trace_id": (9, "bytes"),
            "span_id": (10, "bytes"),
            "observed_time_unix_nano": (11, "fixed64"),
            "event_name": (12, "bytes"),
        },
        # A record whose attributes and body are not parsed, and what holds such records.
        "FlatLogRecord": {
            "time_unix_nano": (1, "fixed64"),
            "severity_number": (2, "int32"),
            "severity_text": (3, "bytes"),
            "body": (5, "bytes"),
            "attributes": (6, "*bytes"),
            "dropped_attributes_count": (7, "uint32"),
            "flags": (8, "fixed32"),
            "trace_id": (9, "bytes"),
            "span_id": (10, "bytes"),
            "observed_time_unix_nano": (11, "fixed64"),
            "event_name": (12, "bytes"),
        },
        "FlatScopeLogs": {"log_records": (2, "*FlatLogRecord")},
    },
)
