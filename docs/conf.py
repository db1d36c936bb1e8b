"""How Sphinx builds the pages of docs/ into a site: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generate import OF_THE_SITE, write

write(OF_THE_SITE)

project = "karapace_like"
author = "The karapace_like authors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx reads this name.
extensions = ["myst_parser"]
myst_heading_anchors = 4
# The hand-written beginnings of compatibility.md and dialects.md.
exclude_patterns = ["compatibility-head.md", "dialects-head.md"]
nitpicky = True

html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False

suppress_warnings = ["misc.highlighting_failure"]  # The examples' request lines leave the HTTP version out.
