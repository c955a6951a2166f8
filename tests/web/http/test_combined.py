"""The viewer's modules in one script."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from ppl.web.http.combined import combined
from tests.fixtures.programs import program

_MODULES = {
    "numbers": 'let count = 0;\nexport const next = () => (count += 1);\nexport function* two() {\n  yield 1;\n'
    "  yield 2;\n}\n",
    "names": "export class Named {\n  constructor() { this.text = `named ${1 + 1}`; }\n}\n"
    "export async function later() {\n  return 'later';\n}\n",
    "other": 'import {\n  next,\n  two as pair,\n} from "./numbers.js";\n\n'
    "export const other = () => [next(), ...pair()];\n",
    "opened": 'import { next } from "./numbers.js";\nimport { only } from "./only.js";\n\n'
    "export const opened = () => [next(), only];\nexport const empty = '';\n",
    "only": "export const only = 'only here';\n",
    "main": 'import { other } from "./other.js";\nimport { Named, later } from "./names.js";\n\n'
    '/** @param {import("./absent.js").Absent} each */\nconst say = (each) => console.log(JSON.stringify(each));\n'
    'const begin = async () => {\n  say(other());\n  say([new Named().text, await later()]);\n'
    '  const { opened } = await import("./opened.js");\n  say(opened());\n};\nbegin();\n',
}  # fmt: skip


def _said(scripts: dict[str, str], directory: Path, first: str) -> list[object]:
    directory.mkdir()
    (directory / "package.json").write_text('{"type": "module"}')
    for name, code in scripts.items():
        (directory / f"{name}.js").write_text(code)
    done = subprocess.run(
        [program("node"), str(directory / f"{first}.js")], capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_combined_modules_do_what_they_do_one_by_one(tmp_path: Path) -> None:
    scripts = combined(_MODULES, "main", "viewer")
    assert set(scripts) == {"viewer", "opened"}
    said = _said(scripts, tmp_path / "combined", "viewer")
    assert said == _said(_MODULES, tmp_path / "apart", "main")
    assert said == [[1, 1, 2], ["named 2", "later"], [2, "only here"]], "what counts is there once"
    assert "only here" not in scripts["viewer"]
    assert "count" not in scripts["opened"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ('import { main } from "./main.js";\n', "main → self → main"),
        ('import { x } from "./absent.js";\n', "self imports absent.js"),
        ('import * as all from "./names.js";\n', "self.js: not understood: import"),
        ("export let changing = 1;\n", "self.js: not understood: export let"),
        ("export default 1;\n", "self.js: not understood: export default"),
    ],
)
def test_what_it_does_not_understand_it_refuses(code: str, reason: str) -> None:
    modules = _MODULES | {"main": 'import { it } from "./self.js";\n', "self": code}
    with pytest.raises(ValueError, match=reason):
        combined(modules, "main", "viewer")
