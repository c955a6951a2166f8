"""Connections to PostgreSQL: supervised, pooled, migrated, and those that copy in threads of their own."""
