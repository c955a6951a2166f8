"""Turns parsed lines into committed events: ids, queues and the lanes that write."""
