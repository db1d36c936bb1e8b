"""The two forms of the suite: `make test` runs the short one, and `make test-slow` what that leaves out.

Left out are the tests that are marked as `long`, and most of the examples of those that draw them (`drawn`).
"""

import os

IS_LONG = os.environ.get("TEST_FORM") == "long"
"""Whether this is a run of `make test-slow`."""
_SHARE = 5
_FEWEST = 10


def count_examples(complete: int, variable: str = "") -> int:
    """Return how many examples to draw: `complete` in the long form, a fifth of them in the short one.

    The environment variable, of a target that draws many, overrides both.
    """
    if variable in os.environ:
        return int(os.environ[variable])
    return complete if IS_LONG else min(complete, max(complete // _SHARE, _FEWEST))
