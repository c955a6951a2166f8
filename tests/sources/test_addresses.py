"""Addresses with names: a path is looked up in all of them at once as it would be in each alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppl.sources.addresses import Addresses

TEXTS = st.sampled_from(["", "a", "b", "_bulk", "_doc", "c d", "%2F", "<a"])
NAMES = st.sampled_from(["<name>", "<id>", "<index>", "<type>"])


def is_one(path: str, address: str, firsts: set[str]) -> bool:
    """Whether ``path`` is ``address``, part by part; ``firsts`` are the parts with which other addresses begin."""
    parts, texts = path.split("/"), address.split("/")
    return len(parts) == len(texts) and all(
        part == text
        or (text in ("<name>", "<id>") and part != "")
        or (text == "<type>" and part != "" and not part.startswith("_"))
        or (text == "<index>" and part != "" and not part.startswith("_") and part not in firsts)
        for part, text in zip(parts, texts, strict=True)
    )


@given(
    st.lists(st.lists(TEXTS | NAMES, min_size=1, max_size=4).map(lambda parts: "/" + "/".join(parts)), max_size=12),
    st.lists(TEXTS, min_size=1, max_size=5).map("/".join),
    st.booleans(),
)
def test_a_path_is_the_addresses_that_it_is_alone(addresses: list[str], path: str, is_rooted: bool) -> None:
    path = f"/{path}" if is_rooted else path
    firsts = {address.split("/")[1] for address in addresses}
    expected = {address for address in addresses if is_one(path, address, firsts)}
    found = Addresses(addresses).of(path)
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("path", ["", "*", "http://h/a", "h/a", "/a/", "//a", "/a/b"])
def test_another_path_is_none_of_them(path: str) -> None:
    assert Addresses(["/a", "/<name>/_doc"]).of(path) == []
