"""Live events on their way to viewers: filtered, gathered and batched once for all viewers that ask for the same."""
