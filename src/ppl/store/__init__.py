"""Everything PostgreSQL: the Store interface and its one implementation."""
