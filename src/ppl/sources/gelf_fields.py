"""Turns an object of GELF, Graylog's format, into an event.

``short_message`` and ``full_message`` are its message. Further fields keep their names, but for the underscore that
these begin with. GELF comes over HTTP, in a datagram, or as a line of a connection. https://go2docs.graylog.org has the
format.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

import attrs

from ppl.model import Row, row_of
from ppl.sources.json_fields import ObjectReader, json_text, message_text, stored_text
from ppl.sources.json_lines import whole_object
from ppl.sources.levels import level_of

#: What a line must hold to be looked at as GELF.
GELF_MARK = '"short_message"'

#: Some clients write a number.
_VERSIONS = ("1.0", "1.1", 1.0, 1.1)
#: Fields of GELF that say what a client's own field of that name does not: it keeps its underscore.
_OWN = frozenset(("version", "timestamp", "level"))
_SHORT, _FULL = "short_message", "full_message"
#: Names that say less well than GELF's own ``facility`` what wrote the text.
_LOGGERS = frozenset(("logger", "logger_name", "loggername", "channel", "name"))
#: Names of the file of source code, which is no program.
_SOURCES = frozenset(("file",))


@attrs.frozen
class GelfReader(ObjectReader):
    """Reads objects of GELF, and others as :class:`~ppl.sources.json_fields.ObjectReader` does."""

    def row(self, value: dict[str, Any], text: str) -> Row | None:
        """The event of the object ``value``, written as ``text``."""
        message = gelf_message(value)
        if not message:
            return super().row(value, text)
        message = message_text(message, self.most)
        fields, rest = self._gelf_fields(value)
        if fields.get("severity") is None:
            fields["severity"] = level_of(message)
        if rest:
            fields["structured_data"] = stored_text(json_text(rest), self.most)
        return row_of({**fields, "message": message})

    def _gelf_fields(self, value: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The fields of an object but for its message, and the rest of it."""
        rest = {_plain(key, value): each for key, each in value.items() if key not in (_SHORT, _FULL)}
        if rest.get("version") in _VERSIONS:
            del rest["version"]
        fields: dict[str, Any] = {}
        for key, field, read in (
            ("host", "hostname", self.name),
            ("timestamp", "created_at", self.moment),
            ("level", "severity", self.level),
            ("facility", "facility", self.facility),
            (_docker_tag(rest), "file_name", self.name),
        ):
            value_read = read(rest[key]) if key in rest else None
            if value_read is not None:
                fields[field] = value_read
                del rest[key]
        later = {key: each for key, each in rest.items() if key.lower() in _LOGGERS or key.lower() in _SOURCES}
        first = {key: each for key, each in rest.items() if key not in later}
        found, rest = self.fields(first, {"message", "created_at", *fields})
        fields |= found
        if "file_name" not in fields:
            if (name := self.name(rest.get("facility"))) is not None:
                fields["file_name"] = name
                del rest["facility"]
            else:
                named, unused = self.fields({key: each for key, each in later.items() if key.lower() in _LOGGERS})
                fields |= named
                later = {key: each for key, each in later.items() if key in unused or key.lower() in _SOURCES}
        return fields, rest | later


def gelf_message(value: dict[str, Any]) -> str:
    """The message of an object of GELF: the short one and the full one. ``""`` for any other object.

    Some clients begin the full one with the short one; others write there only what follows it, such as a traceback.
    """
    short, full = value.get(_SHORT), value.get(_FULL)
    # Only these are always there; some clients leave out the version.
    if not isinstance(short, str) or not ("version" in value or "host" in value):
        return ""
    if not isinstance(full, str) or not full.strip():
        return short
    return full if full.startswith(short.rstrip(" .…\r\n")) else f"{short}\n{full}"


def _plain(key: str, value: dict[str, Any]) -> str:
    """The name of a field without its underscore, unless the object has that name too, or GELF has it."""
    name = key[1:]
    if not key.startswith("_") or not name or name[0] == "_" or name in value or name in _OWN:
        return key
    return name


def _docker_tag(rest: dict[str, Any]) -> str:
    """The key of the tag that a container was given. Without one, Docker writes the beginning of its id there."""
    tag, identity = rest.get("tag"), rest.get("container_id")
    is_own = isinstance(tag, str) and isinstance(identity, str) and not identity.startswith(tag)
    return "tag" if is_own else ""


def gelf_row(line: str, received_at: int, zone: tzinfo) -> Row | None:
    """The event of a line that begins with ``{``; ``None`` if it is not GELF."""
    value = whole_object(line.rstrip())
    if value is None or not gelf_message(value):
        return None
    try:
        # The line was cut before it was long; written anew, numbers may be longer than they were.
        return GelfReader(received_at, zone, 8 * len(line)).row(value, line)
    except RecursionError:
        return None
