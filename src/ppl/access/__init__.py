"""Access: what proves who somebody is, how often a stranger may try, which networks and how much may be sent."""
