"""Measures the text of events, and cuts pages to about as much as one frame should carry."""

from __future__ import annotations

from ppl.model import Event, Page

#: About how many characters of text one answer holds; events that do not fit are left to the next request.
PAGE_BYTES = 1 << 20


def size_of(event: Event) -> int:
    """Characters of the two texts that may be as long as a line; the others are short."""
    return len(event.message) + len(event.structured_data)


def within_bytes(page: Page, *, newest: bool) -> Page:
    """``page`` cut to about ``PAGE_BYTES``, keeping the newest or the oldest events; at least one event stays."""
    kept: list[Event] = []
    size = 0
    for event in reversed(page.events) if newest else page.events:
        size += size_of(event)
        if kept and size > PAGE_BYTES:
            break
        kept.append(event)
    if len(kept) == len(page.events):
        return page
    if newest:
        kept.reverse()
    return Page(tuple(kept), complete=False)
