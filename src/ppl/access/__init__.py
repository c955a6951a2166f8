"""Access: authentication, throttling, what an account may read and change, allowed networks, and quotas."""
