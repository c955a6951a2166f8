"""The search language: a query is parsed to a tree, which becomes SQL for history and a predicate for live events."""
