"""Makes classes of protobuf messages from tables: what the protocols' readers give to the protobuf library.

Texts are declared as bytes, since the library would refuse a whole message for one that is not UTF-8. Importing this
module imports the library, which takes a while: the readers do it when they first need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

#: Field → its number and its type: a scalar's name, a message's, or either after ``*`` if there may be several. Fields
#: whose type begins with ``|`` exclude one another.
Fields = Mapping[str, tuple[int, str]]

_SCALARS = {
    "bytes": FieldDescriptorProto.TYPE_BYTES,
    "bool": FieldDescriptorProto.TYPE_BOOL,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "double": FieldDescriptorProto.TYPE_DOUBLE,
    "fixed32": FieldDescriptorProto.TYPE_FIXED32,
    "fixed64": FieldDescriptorProto.TYPE_FIXED64,
}


def message_classes(
    package: str, messages: Mapping[str, Fields], syntax: Literal["proto2", "proto3"] = "proto3"
) -> dict[str, Any]:
    """The class of each message by its name.

    With ``proto2``, a number that is 0 and a text that is empty are there if they were sent.
    """
    made = FileDescriptorProto(name=f"{package}.proto", package=package, syntax=syntax)
    for message, fields in messages.items():
        described = made.message_type.add(name=message)
        for name, (number, written) in fields.items():
            field = described.field.add(name=name, number=number)
            is_repeated = written.startswith("*")
            field.label = FieldDescriptorProto.LABEL_REPEATED if is_repeated else FieldDescriptorProto.LABEL_OPTIONAL
            if written.startswith("|"):
                if not described.oneof_decl:
                    described.oneof_decl.add(name="kind")
                field.oneof_index = 0
            kind = written.lstrip("*|")
            field.type = _SCALARS.get(kind, FieldDescriptorProto.TYPE_MESSAGE)
            if kind not in _SCALARS:
                field.type_name = f".{package}.{kind}"
    pool = DescriptorPool()
    pool.Add(made)  # type: ignore[no-untyped-call]
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in messages}
