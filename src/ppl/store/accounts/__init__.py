"""Accounts and what belongs to them: destinations, tokens, saved searches, marks."""
