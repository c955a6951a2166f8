"""The viewer's modules in one script: one request instead of one for each, and gzip sees what they have in common.

Modules that the page imports go into that script. A module that it loads on first use, by ``import("./name.js")``, gets
a script of its own, which takes the modules that both need from the first one. All modules are written for Ppl, so only
a few forms of import and export have to be understood::

    import { one, two as other } from "./name.js";
    export function, async function, function*, class and const

There is no build step: this runs when the service starts, and the modules also run uncombined.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from rjsmin import jsmin

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"\./(\w+)\.js";\n', re.M)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+)?(?:function\s*\*?|class|const)\s+(\w+))", re.M)
_OTHER = re.compile(r"^(?:import|export)\b.*", re.M)
# Matched against code without comments, since JSDoc names types in the same form.
_LOADED = re.compile(r'\bimport\("\./(\w+)\.js"\)')


def combined(modules: Mapping[str, str], main: str, name: str) -> dict[str, str]:
    """The scripts that replace ``modules``: ``name`` for ``main``, and one for each module that is loaded later.

    Args:
        modules: code by name, without ``.js``.

    Raises:
        ValueError: a module imports or exports in a form that is not understood, imports a missing module, or imports
            itself, directly or through others.
    """
    at_once = _reachable(modules, [main])
    later = sorted(_loaded(modules, at_once))
    shared = f"export const modules={{{_held(at_once)}}};\n" if later else ""
    scripts = {name: _wrapped(modules, at_once) + shared}
    for each in later:
        own = [needed for needed in _reachable(modules, [each]) if needed not in at_once]
        known = {needed for one in own for needed in _imports(modules[one])} | {each}
        known &= {*at_once}
        taken = f'import{{modules}}from"./{name}.js";\nconst {{{_held(sorted(known))}}}=modules;\n' if known else ""
        scripts[each] = f"{taken}{_wrapped(modules, own)}export const {{{_exports(modules[each])}}}=${each};\n"
    return scripts


def _held(names: Iterable[str]) -> str:
    """The variables that hold the exports of the modules ``names``; a module's own names never begin with ``$``."""
    return ",".join(f"${name}" for name in names)


def _imports(code: str) -> list[str]:
    return [match[2] for match in _IMPORT.finditer(code)]


def _exports(code: str) -> str:
    return ",".join(match[1] for match in _EXPORT.finditer(code))


def _reachable(modules: Mapping[str, str], wanted: Iterable[str], above: tuple[str, ...] = ()) -> list[str]:
    """The modules ``wanted`` and all that they import, each after its own imports."""
    found: dict[str, None] = {}
    for name in wanted:
        if name in above:
            raise ValueError(f"modules import each other: {' → '.join((*above, name))}")
        if name not in modules:
            raise ValueError(f"{' → '.join(above)} imports {name}.js, which is not there")
        found |= dict.fromkeys(_reachable(modules, _imports(modules[name]), (*above, name)))
        found[name] = None
    return list(found)


def _loaded(modules: Mapping[str, str], names: Iterable[str]) -> set[str]:
    """The modules loaded on first use, by the modules ``names`` or by other modules loaded on first use."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        new = {*_LOADED.findall(jsmin(modules[waiting.pop()]))} - found
        found |= new
        waiting += _reachable(modules, sorted(new))
    return found


def _wrapped(modules: Mapping[str, str], names: Iterable[str]) -> str:
    return "".join(f"const ${name}=(()=>{{{_body(name, modules[name])}}})();\n" for name in names)


def _body(name: str, code: str) -> str:
    exports = _exports(code)

    def taken(match: re.Match[str]) -> str:
        names = re.sub(r"\s+as\s+", ":", match[1].strip().rstrip(","))
        return f"const {{{names}}}=${match[2]};\n"

    code = _EXPORT.sub("", _IMPORT.sub(taken, code))
    if other := _OTHER.search(code):
        raise ValueError(f"{name}.js: not understood: {other[0]}")
    return f"{code}\nreturn {{{exports}}};"
