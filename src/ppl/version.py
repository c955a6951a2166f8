"""The version of this Ppl."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version


@cache
def version() -> str:
    """The version of the installed package, such as ``0.1.0``; ``unknown`` if Ppl runs from a directory only."""
    try:
        return installed_version("ppl")
    except PackageNotFoundError:
        return "unknown"
