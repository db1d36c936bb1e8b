"""Executor of JSONATA: expressions over a record's JSON.

The language has recursion, and the library's checks of time and depth come between two steps only. So expressions are
compiled and evaluated in a process that the kernel bounds (`rule_process.py`).
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from karapace_like.rules.compiling import check_length, import_library
from karapace_like.rules.errors import RuleEvaluationError, cut
from karapace_like.rules.model import Rule

TIMEOUT_MS: Final = 1_000
MAX_DEPTH: Final = 100
"""Steps within steps: a process has a stack of some thousand Python frames."""
_COMPILED: Final = 100


class JsonataExpression:
    """A compiled expression."""

    def __init__(self, rule: Rule, _: Mapping[str, str]) -> None:
        """Raises RuleEvaluationError for an expression that cannot be compiled."""
        self._program = compile_program(rule.expr or "$")

    def weigh(self, _: int) -> float:
        """Return infinity: nothing bounds the work."""
        return float("inf")

    def evaluate(self, value: Any) -> Any:
        """Return the result for a record's JSON; raises RuleEvaluationError."""
        try:
            # A frame of its own: the program's has a time that begins with its compilation, and keeps variables.
            frame = self._program.create_frame(None)
            frame.set_runtime_bounds(TIMEOUT_MS, MAX_DEPTH)
            return _copy(self._program.evaluate(value, frame))
        except RecursionError as error:
            raise RuleEvaluationError("the evaluation is nested too deeply") from error
        except RuntimeError as error:  # jsonata's own errors are such
            raise RuleEvaluationError(_describe(error)) from error
        except (ValueError, TypeError, ArithmeticError, LookupError, AttributeError) as error:
            raise RuleEvaluationError(cut(f"{type(error).__name__}: {error}")) from error


@lru_cache(_COMPILED)
def compile_program(expr: str) -> Any:
    """Return the compiled expression; raises RuleEvaluationError with the position and reason."""
    check_length(expr)
    jsonata = import_library("jsonata", "jsonata-python", "the type JSONATA")
    try:
        return jsonata.Jsonata(expr)
    except RecursionError as error:
        raise RuleEvaluationError("the expression cannot be compiled: it is nested too deeply") from error
    except RuntimeError as error:  # jsonata's own errors are such
        raise RuleEvaluationError(f"the expression cannot be compiled: {_describe(error)}") from error
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise RuleEvaluationError(cut(f"the expression cannot be compiled: {error}")) from error


def _copy(result: Any) -> Any:
    """Return the result in plain containers; raises RuleEvaluationError for what JSON has no form of."""
    if result is None or isinstance(result, bool | int | float | str):
        return result
    if isinstance(result, dict):
        return {str(key): _copy(value) for key, value in result.items()}
    if isinstance(result, list | tuple | range):
        return list(map(_copy, result))
    raise RuleEvaluationError(f"the result is no JSON, but a {type(result).__name__}")


def _describe(error: Any) -> str:
    message = cut(str(error))
    location = getattr(error, "location", -1)
    return message if not isinstance(location, int) or location < 0 else f"character {location}: {message}"
