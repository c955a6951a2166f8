"""The browser's modules without a browser: their own tests under Node.js, their size, and that the page names each."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

from ppl.web.http.assets import Assets
from ppl.web.http.visit import Visit
from tests.fixtures.programs import program

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "src" / "ppl" / "web"
MODULES = sorted((WEB / "static" / "js").glob("*.js"))
SCRIPTS = sorted((WEB / "static").rglob("*.js"))


@pytest.mark.parametrize("suite", sorted(HERE.glob("*.test.mjs")), ids=lambda path: path.name)
def test_the_modules_pass_their_own_tests(suite: Path) -> None:
    done = subprocess.run([program("node"), "--test", str(suite)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def _served(names: Iterable[str]) -> dict[str, bytes]:
    accepted = {"accept-encoding": "gzip"}
    assets = Assets()
    visits = {name: Visit("GET", assets.url(name), "", {}, accepted, b"", "", False, False) for name in names}
    return {name: assets.answer(visit).body for name, visit in visits.items()}


def test_the_javascript_that_the_viewer_begins_with_is_at_most_40_kilobytes_gzipped() -> None:
    assert sum(map(len, _served(["viewer.js", "theme.js"]).values())) <= 40 * 1024


def test_what_is_served_of_a_module_is_all_of_its_code(tmp_path: Path) -> None:
    node = program("node")
    scripts = [name for name in Assets().names if name.endswith(".js") and "/" not in name]
    for name, body in _served(scripts).items():
        served = tmp_path / f"{Path(name).stem}.mjs"
        # Assets that gzip would not make smaller are served uncompressed.
        served.write_bytes(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)
        done = subprocess.run([node, "--check", str(served)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr


def test_no_template_stands_within_another_whose_blanks_the_minifier_would_take() -> None:
    nested = re.compile(r"\$\{[^}`]*`")
    assert {path.name: found for path in SCRIPTS if (found := nested.findall(path.read_text()))} == {}


def test_a_module_fits_on_a_few_screens() -> None:
    assert {path.name: lines for path in SCRIPTS if (lines := len(path.read_text().splitlines())) > 300} == {}


def test_log_text_has_no_way_into_markup() -> None:
    markup = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\b|new Function")
    assert {path.name for path in MODULES if markup.search(path.read_text())} == set()
