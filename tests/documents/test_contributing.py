"""The page for contributors names files that exist, and one file for each question."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.running import ROOT

PAGE = (ROOT / "docs/contributing.rst").read_text("utf-8")
#: Question → its one file.
ANSWERS = dict(re.findall(r"^(\S.*?)  +``(src/\S+)``$", PAGE, re.MULTILINE))


@pytest.mark.parametrize("path", sorted(set(re.findall(r"``((?:src|tests|docs)/[\w./]+|setup\.cfg|\.ci/run)``", PAGE))))
def test_a_file_that_the_page_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_each_of_the_newcomers_questions_has_one_file() -> None:
    assert len(ANSWERS) == 17
