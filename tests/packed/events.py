"""Events for frames: whatever PostgreSQL can keep."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

#: Texts as PostgreSQL keeps them: without NUL and surrogates.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
#: Texts of which few differ, so that columns have tables.
names = st.sampled_from(["", "web-1", "db", "web-2", "\u00e4\u4e2d\U0001f600", "x" * 300])

times = st.one_of(
    st.integers(0, 2**62),
    st.integers(0, 2**42).map(lambda second: second * 1_000_000),
    st.integers(0, 2**52).map(lambda millisecond: millisecond * 1_000),
)

_rest = st.tuples(
    times,
    st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
    names | texts,
    texts | st.text("ab\x1b[3m\n", max_size=40),
    names,
    texts | names,
    names,
    texts | names,
    st.none() | st.integers(0, 23),
    st.none() | st.integers(0, 7),
)


@st.composite
def rows(draw: st.DrawFn, most: int = 40) -> list[tuple[Any, ...]]:
    """Values of events in order of id, as :class:`~ppl.model.Event` has them."""
    drawn = draw(st.lists(_rest, min_size=1, max_size=most))
    if draw(st.booleans()):
        # Of one host, program and so on.
        drawn = [(*row[:1], *drawn[0][1:3], *row[3:4], *drawn[0][4:]) for row in drawn]
    first = draw(st.integers(0, 2**61))
    steps = draw(st.lists(st.integers(1, 2**20), min_size=len(drawn), max_size=len(drawn)))
    found, at = [], first
    for step, row in zip(steps, drawn, strict=True):
        found.append((at, at if draw(st.booleans()) else row[0], *row[1:]))
        at += step
    return found
