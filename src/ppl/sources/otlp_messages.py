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
            "body": (5, "*bytes"),
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

#: The same for columns: with a presence of each field, so that also zeros are there when a message is written again.
COLUMNS_OF_OTLP = message_classes(
    "otlp_columns",
    {
        "Value": {
            "text": (1, "|bytes"),
            "truth": (2, "|bool"),
            "integer": (3, "|int64"),
            "fraction": (4, "|double"),
            "array": (5, "|bytes"),
            "object": (6, "|bytes"),
            "data": (7, "|bytes"),
        },
        "Attribute": {"key": (1, "bytes"), "value": (2, "Value")},
        "Record": {
            "time_unix_nano": (1, "fixed64"),
            "severity_number": (2, "int32"),
            "severity_text": (3, "bytes"),
            "body": (5, "Value"),
            "attributes": (6, "*Attribute"),
            "dropped_attributes_count": (7, "uint32"),
            "flags": (8, "fixed32"),
            "trace_id": (9, "bytes"),
            "span_id": (10, "bytes"),
            "observed_time_unix_nano": (11, "fixed64"),
            "event_name": (12, "bytes"),
        },
        "Scope": {"log_records": (2, "*Record")},
        "FlatScope": {"log_records": (2, "*bytes")},
        # Many records, attributes and values, one after the other.
        "MergedRecords": {
            "severity_text": (3, "*bytes"),
            "body": (5, "*bytes"),
            "attributes": (6, "*bytes"),
            "trace_id": (9, "*bytes"),
            "span_id": (10, "*bytes"),
            "event_name": (12, "*bytes"),
        },
        "MergedAttributes": {"keys": (1, "*bytes"), "values": (2, "*bytes")},
        "MergedValues": {
            "texts": (1, "*bytes"),
            "truths": (2, "*bool"),
            "integers": (3, "*int64"),
            "fractions": (4, "*double"),
        },
    },
    syntax="proto2",
)
