"""Syslog without I/O: bytes in, columns of events out."""
