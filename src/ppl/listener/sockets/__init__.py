"""Senders' sockets: ports that open and close at run time, connections and datagrams."""
