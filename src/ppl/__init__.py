"""Ppl: the log service you run yourself."""
