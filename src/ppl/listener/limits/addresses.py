"""Addresses of senders as they are stored and counted."""


def sender_address(host: str) -> str:
    """``host`` without what only this machine knows: IPv4 within IPv6 unwrapped, no zone of a link-local address."""
    address = host.partition("%")[0]
    if address.lower().startswith("::ffff:") and "." in address:
        return address[7:]
    return address
