"""Storage in PostgreSQL: the Store interface and its one implementation."""
