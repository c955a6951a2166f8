"""Live events on their way to whoever watches: filtered, gathered and batched once for all who ask alike."""
