"""Addresses of senders as they are stored and counted."""


def sender_address(host: str) -> str:
    """``host`` with IPv4 in IPv6 unwrapped, and without a link-local zone, which only this machine knows."""
    address = host.partition("%")[0]
    if address.lower().startswith("::ffff:") and "." in address:
        return address[7:]
    return address
