"""Keeps time slots ahead of the clock, and deletes expired sessions."""

from __future__ import annotations

from typing import Any

from ppl.model import Clock
from ppl.services.repeating import Repeated
from ppl.store.postgres import PostgresStore


class Maintenance(Repeated):
    """Keeps the slots of ``store`` ahead of ``clock``, and deletes expired sessions."""

    def __init__(self, store: PostgresStore, reactor: Any, clock: Clock) -> None:
        async def act() -> None:
            await store.ensure_slots(clock())
            await store.delete_expired_sessions()

        super().__init__("Maintenance", act, reactor)
