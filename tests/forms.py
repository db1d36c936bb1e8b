"""The two forms of the suite: `make test` runs the short one, and `make test-slow` what that leaves out.

Left out are the tests that are marked as `long`, and most of the examples of those that draw them (`drawn`).
"""

import os
from collections.abc import Iterable
from typing import Any

import pytest

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


def shorten(cases: Iterable[Any], count: int = 1) -> list[Any]:
    """Return the cases of a parametrized test, of which the short form runs the first `count`."""
    listed = list(cases)
    rest = (case if isinstance(case, tuple) else (case,) for case in listed[count:])
    return [*listed[:count], *(pytest.param(*case, marks=pytest.mark.long) for case in rest)]
