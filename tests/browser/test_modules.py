"""The browser's modules without a browser: their own tests under node, their size, and that the page names them all."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "src" / "ppl" / "web"
MODULES = sorted((WEB / "static" / "js").glob("*.js"))


@pytest.mark.parametrize("suite", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.name)
def test_the_modules_pass_their_own_tests(suite: Path) -> None:
    node = shutil.which("node")
    if node is None:
        if os.environ.get("CI"):
            pytest.fail("node is not installed, and under CI it must be")
        pytest.skip("node is not installed")
    done = subprocess.run([node, "--test", str(suite)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_javascript_is_at_most_40_kilobytes_gzipped() -> None:
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in MODULES) <= 40 * 1024


def test_a_module_fits_on_a_few_screens() -> None:
    assert {path.name: lines for path in MODULES if (lines := len(path.read_text().splitlines())) > 300} == {}


def test_the_page_loads_every_module_at_once_and_not_one_after_the_other() -> None:
    template = (WEB / "templates" / "viewer.html").read_text()
    listed = re.search(r"for module in \((.*?)\)", template, re.S)
    assert listed is not None
    assert sorted(re.findall(r'"(\w+)"', listed[1])) == [path.stem for path in MODULES]


def test_log_text_has_no_way_into_markup() -> None:
    markup = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function")
    assert {path.name for path in MODULES if markup.search(path.read_text())} == set()
