"""What compiling an expression has in common in every language: its length, and its library, which is an extra."""

import importlib
import sys
from types import ModuleType
from typing import Final

from karapace_like.rules.errors import RuleEvaluationError

MAX_LENGTH: Final = 10_000
"""Characters of an expression."""


def check_length(expr: str) -> None:
    """Raise RuleEvaluationError for an expression that is too long to be compiled."""
    if len(expr) > MAX_LENGTH:
        raise RuleEvaluationError(f"the expression has {len(expr):,} characters; at most {MAX_LENGTH:,} are allowed")


def import_library(module: str, package: str, types: str) -> ModuleType:
    """Return the library of rules of these types, imported with its first rule; raises RuleEvaluationError.

    Most services run no rules, and rules may be run in another process.
    """
    limit = sys.getrecursionlimit()
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RuleEvaluationError(
            f"rules of {types} need the package {package}, which is not installed: pip install 'karapace-like[rules]'"
        ) from error
    finally:
        sys.setrecursionlimit(limit)  # the import of jsonata raises that of the whole process
