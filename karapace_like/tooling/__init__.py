"""Schema files for CI pipelines and operators: check, lint, compare, register.

The rules are the service's own (`schema/`), and most commands need no service. `trees.py` reads files, `project.py`
their settings, and `workspace.py` links them. `checking.py` and `linting.py` return a `Report`, which `rendering/`
writes in each format. No module here prints or ends the process.
"""
