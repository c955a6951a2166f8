"""The search language: a text becomes a tree; the tree becomes SQL for history, and a predicate for live events."""
