"""Protocols of senders, without I/O: the bytes of syslog, RELP and uploads in, columns of events out."""
