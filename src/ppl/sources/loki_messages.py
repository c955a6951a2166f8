"""The protobuf messages of Loki's push API, as far as Ppl reads them."""

from __future__ import annotations

from ppl.sources.protobuf import message_classes

#: ``Stream``, ``Entry``, ``Stamp`` and ``Pair`` by these names, and what makes columns of them.
LOKI = message_classes(
    "loki",
    {
        "Stamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
        "Pair": {"name": (1, "bytes"), "value": (2, "bytes")},
        "Entry": {"timestamp": (1, "Stamp"), "line": (2, "bytes"), "pairs": (3, "*Pair")},
        "Stream": {"labels": (1, "bytes"), "entries": (2, "*Entry")},
        # A stream whose entries are not parsed, and the fields of many entries together.
        "FlatStream": {"labels": (1, "*bytes"), "entries": (2, "*bytes")},
        "MergedEntries": {"timestamps": (1, "*bytes"), "lines": (2, "*bytes"), "pairs": (3, "*bytes")},
        "MergedStamps": {"seconds": (1, "*int64"), "nanos": (2, "*int32")},
    },
)
