"""A public class or function of Ppl has a name of its own: whoever searches for it finds one."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.test_imports import MODULES

#: What a program's entry point is called.
_EVERYWHERE = {"main"}


def public_names(source: str) -> set[str]:
    """Classes, functions and type aliases that a module defines for others; constants and type variables are not."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name) and not each.id.isupper()}
    return {name for name in found if not name.startswith("_")} - _EVERYWHERE


def test_a_public_name_stands_in_one_module() -> None:
    places = defaultdict(list)
    for module, path in MODULES.items():
        for name in public_names(path.read_text("utf-8")):
            places[name].append(module)
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}
