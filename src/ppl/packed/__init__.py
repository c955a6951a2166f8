"""Packed events: frames of many events in few bytes, and the index that tells in which frames a text may occur."""
