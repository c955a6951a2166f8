"""The embedded PostgreSQL: its files, its process, its watch and its end."""
