"""The embedded PostgreSQL: its files, its process, its watchdog and its shutdown."""
