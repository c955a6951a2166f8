"""Sphinx configuration: no network, no theme to install."""

from pathlib import Path

from ppl.options import option_table

project = "Ppl"
author = "The Ppl maintainers"
project_copyright = "2026, the Ppl maintainers"
html_theme = "alabaster"
html_theme_options = {"description": "The log service you run yourself", "page_width": "1100px"}
exclude_patterns = ["_build", "generated"]

generated = Path(__file__).parent / "generated"
generated.mkdir(exist_ok=True)
(generated / "options.txt").write_text(option_table(), "utf-8")
