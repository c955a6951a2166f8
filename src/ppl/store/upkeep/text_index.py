"""The trigram index of a slot: its name says on which expression it is, so that an outdated one is recognised.

PostgreSQL uses an index on an expression only for a condition with exactly that expression. Another version of Ppl, or
of PostgreSQL (whose collation it names), may ask for another one; an index that was built before is then of no use.
"""

from __future__ import annotations

from hashlib import sha256

from ppl.search.sql import searched
from ppl.store.events.collation import collation_of

_FORM = 8


def text_index_stem(lower: object) -> str:
    """The beginning of the names of all text indexes that the slot starting at ``lower`` has had.

    ``lower`` may also be ``"%s"`` or the like, for a name to be filled in.
    """
    return f"event_{lower}_text"


def text_index_form(server_version: int) -> str:
    """The end of the name of an index that serves the searches of this Ppl on a PostgreSQL of that version."""
    expression = searched(collation_of(server_version))
    return "_" + sha256(expression.encode()).hexdigest()[:_FORM]


def create_text_index(lower: int, server_version: int) -> str:
    """SQL that builds the text index of a slot while its events can be read and written."""
    return (
        f"CREATE INDEX CONCURRENTLY {text_index_stem(lower)}{text_index_form(server_version)} ON event_{lower}"
        f" USING gin (({searched(collation_of(server_version))}) gin_trgm_ops) WITH (fastupdate = off)"
    )
