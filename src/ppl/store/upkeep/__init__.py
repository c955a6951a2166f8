"""Upkeep of stored events: slots are sealed, archived and dropped, senders counted, clocks repaired."""
