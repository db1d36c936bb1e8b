"""How Sphinx builds the pages of docs/ into a site: `make docs`."""

project = "karapace_like"
author = "The karapace_like authors"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx reads this name.
extensions = ["myst_parser"]
myst_heading_anchors = 4
exclude_patterns = ["compatibility-head.md"]  # The hand-written beginning of compatibility.md.
nitpicky = True

html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False

suppress_warnings = ["misc.highlighting_failure"]  # The examples' request lines leave the HTTP version out.
