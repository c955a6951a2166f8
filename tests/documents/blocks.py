"""Reads the literal blocks of the documents, and the comment below each that says how it is tested.

``.. run: <how>`` names one of the runners of ``test_commands``; ``.. not-run: <why>`` says why a block is not run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import docutils.core
import docutils.nodes

from tests.fixtures.running import ROOT

DOCUMENTS = sorted([ROOT / "README.rst", *(ROOT / "docs").glob("*.rst"), *(ROOT / "deploy").glob("*.rst")])


@attrs.frozen
class Block:
    """A literal block.

    Attributes:
        file: path of its file, from the repository's root.
        line: about which line it is on.
        text: its text, unchanged.
        how: the runner's name, ``""`` if the block is not run.
        why: why the block is not run, ``""`` if it is.
    """

    file: str
    line: int
    text: str
    how: str
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def blocks() -> list[Block]:
    """The blocks of all documents."""
    return [block for path in DOCUMENTS for block in _blocks_of(path)]


def _blocks_of(path: Path) -> Iterator[Block]:
    tree = docutils.core.publish_doctree(
        path.read_text("utf-8"), settings_overrides={"report_level": 5, "halt_level": 5, "file_insertion_enabled": True}
    )
    for node in tree.findall(docutils.nodes.literal_block):
        if node.astext().startswith(".. "):  # a directive that only Sphinx knows
            continue
        how, _, rest = _mark_of(node).partition(":")
        known = {"run": (rest.strip(), ""), "not-run": ("", rest.strip())}
        yield Block(str(path.relative_to(ROOT)), _line_of(node), node.astext(), *known.get(how, ("", "")))


def _line_of(node: docutils.nodes.Element) -> int:
    while node is not None and node.line is None:
        node = node.parent
    return node.line if node is not None else 0


def _mark_of(node: docutils.nodes.Element) -> str:
    """The text of the comment right below ``node``."""
    siblings = node.parent.children
    below = siblings[siblings.index(node) + 1 :][:1]
    return below[0].astext().strip() if below and isinstance(below[0], docutils.nodes.comment) else ""
