"""The tables of ``docs/senders.rst`` name exactly the senders whose lines are tests (``tests/data/senders``)."""

from __future__ import annotations

import re

from tests.fixtures.running import ROOT
from tests.sources.senders import entries_of

#: Rows of the table of products, and the file of each.
PRODUCTS = {
    "Cisco": "cisco",
    "Firewalls, gateways, load balancers": "firewalls",
    "Switches, access points, storage, other devices": "devices",
    "Hypervisors, operating systems, agents, servers": "machines",
}
_ROW = re.compile(r"^   \* - (.*)\n((?:     (?:- |  ).*\n?)+)", re.MULTILINE)


def _tables() -> list[list[tuple[str, str]]]:
    """The section's tables, without their heads: each row's first cell, and the rest of the row as it stands."""
    text = (ROOT / "docs/senders.rst").read_text("utf-8")
    section = text[text.index("What was tried\n-") : text.index("How a line is read\n-")]
    return [_ROW.findall(table)[1:] for table in section.split(".. list-table::")[1:]]


def test_each_program_that_was_tried_has_a_line_and_each_line_a_row() -> None:
    tried, _, _ = _tables()
    assert [first for first, _ in tried] == [entry.sender for entry in entries_of("tried")]


def test_each_program_that_pushes_over_http_is_run() -> None:
    _, pushed, _ = _tables()
    peers = "".join(path.read_text("utf-8") for path in sorted((ROOT / "tests/peers").glob("test_*.py")))
    required = (ROOT / "setup.cfg").read_text("utf-8")
    for first, _ in pushed:
        name, version = first.rsplit(" ", 1)
        pinned = f"{name} == {version}" in required or f"{name}@{version}" in peers
        # Its version is Debian's; packages of OpenTelemetry share theirs.
        shared = name.rpartition("/")[2] in peers and (f"@{version}" in peers or name.startswith("systemd-"))
        assert pinned or shared, first


def test_the_products_are_those_of_the_lines() -> None:
    _, _, products = _tables()
    assert [first for first, _ in products] == list(PRODUCTS)
    for first, rest in products:
        # Without the version and what was set.
        names = {re.split(r",| (?=[0-9-])", entry.sender)[0] for entry in entries_of(PRODUCTS[first])}
        listed = " ".join(rest.removeprefix("     - ").split())
        assert listed == ", ".join(sorted(names, key=str.lower))
