"""The protobuf messages of Loki's push API, as far as Ppl reads them.

Texts are declared as bytes: the library would refuse a whole message for one that is not UTF-8. Importing this module
imports the protobuf library, which takes a while: :mod:`ppl.sources.loki` does it when it first needs it.
"""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

_BYTES, _INT64, _INT32 = (
    FieldDescriptorProto.TYPE_BYTES,
    FieldDescriptorProto.TYPE_INT64,
    FieldDescriptorProto.TYPE_INT32,
)
_OPTIONAL, _REPEATED = FieldDescriptorProto.LABEL_OPTIONAL, FieldDescriptorProto.LABEL_REPEATED

#: Message → its fields in the order of their numbers: name, type (or message), label.
_MESSAGES: dict[str, tuple[tuple[str, int | str, int], ...]] = {
    "Stamp": (("seconds", _INT64, _OPTIONAL), ("nanos", _INT32, _OPTIONAL)),
    "Pair": (("name", _BYTES, _OPTIONAL), ("value", _BYTES, _OPTIONAL)),
    "Entry": (("timestamp", "Stamp", _OPTIONAL), ("line", _BYTES, _OPTIONAL), ("pairs", "Pair", _REPEATED)),
    "Stream": (("labels", _BYTES, _OPTIONAL), ("entries", "Entry", _REPEATED)),
}


def _file() -> FileDescriptorProto:
    made = FileDescriptorProto(name="loki.proto", package="loki", syntax="proto3")
    for message, fields in _MESSAGES.items():
        described = made.message_type.add(name=message)
        for number, (name, kind, label) in enumerate(fields, 1):
            field = described.field.add(name=name, number=number)
            field.label = label  # type: ignore[assignment]
            if isinstance(kind, str):
                field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".loki.{kind}"
            else:
                field.type = kind  # type: ignore[assignment]
    return made


_pool = DescriptorPool()
_pool.Add(_file())

#: ``Stream``, ``Entry``, ``Stamp`` and ``Pair`` by these names.
LOKI: dict[str, Any] = {name: GetMessageClass(_pool.FindMessageTypeByName(f"loki.{name}")) for name in _MESSAGES}
