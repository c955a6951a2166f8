"""The fragments of the changelog: towncrier leaves out, without a word, a file whose name it cannot read."""

from __future__ import annotations

import tomllib

import pytest

from tests.fixtures.running import ROOT

_TOWNCRIER = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
_KINDS = {each["directory"] for each in _TOWNCRIER["type"]}
FRAGMENTS = sorted(path for path in (ROOT / _TOWNCRIER["directory"]).iterdir() if path.name != "README.rst")


@pytest.mark.parametrize("path", FRAGMENTS, ids=lambda path: path.name)
def test_a_fragment_has_a_kind_and_a_sentence(path: object) -> None:
    name, text = path.name, path.read_text("utf-8")  # type: ignore[attr-defined]
    what, kind, suffix = name.rsplit(".", 2)
    # Without the plus, towncrier takes the word for an issue's number.
    assert what.startswith("+")
    assert kind in _KINDS
    assert suffix == "rst"
    assert text.strip().endswith(".")


def test_the_changelog_has_a_place_for_them() -> None:
    assert (ROOT / _TOWNCRIER["filename"]).read_text("utf-8").count(_TOWNCRIER["start_string"]) == 1
