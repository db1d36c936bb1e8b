"""What CI pipelines and operators do with schemas in files: check, lint, compare, register.

The same engines as the service's (`schema/`), no service needed. `trees.py` reads files, `project.py` the settings
beside them, `workspace.py` links them; `checking.py` and the others judge and return a `Report`, which `rendering/`
writes in any form. Nothing here prints or ends the process.
"""
