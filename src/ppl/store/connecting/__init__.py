"""Connections to PostgreSQL: supervised and pooled ones, blocking ones that copy in threads, and the migrations."""
