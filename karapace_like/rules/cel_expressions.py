"""Executors of CEL: expressions over a record, or over each of its fields.

The library (the extra `rules`) has no bound of time or memory, and its regular expressions are compiled for each value.
So the work of an expression is bounded from its text and the size of the value before it is evaluated.
"""

import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from karapace_like.rules.compiling import check_length, import_library
from karapace_like.rules.errors import RuleEvaluationError, cut
from karapace_like.rules.model import Rule

_MAX_SMALL_LENGTH: Final = 1_000
"""Characters of an expression that this process compiles: 20 ms at most."""
_COMPILED: Final = 1_000
_CHARACTERS_PER_STEP: Final = 4
"""Of an expression: it has no more nodes than one for four characters."""
_LITERAL: Final = re.compile(r"""[rR]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")""")
_MACRO: Final = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
_MACRO_DEGREES: Final = {"map": 2, "filter": 2}
"""A macro that makes a list copies it for each item."""
_MAX_DEGREE: Final = 10
_MATCHES: Final = re.compile(r"\bmatches\b")
_SMALL_PATTERN: Final = re.compile(r"""\.\s*matches\(\s*[rR]?(?:'[^'{]{0,100}'|"[^"{]{0,100}")\s*\)""")
"""A call whose pattern takes less than a millisecond to compile."""
_MAX_EMAIL: Final = 254
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@([A-Za-z0-9.-]+)")
_HOST_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_MAX_HOST: Final = 253
_URI_CHARACTERS: Final = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")


class Skipped:
    """The result of an expression whose guard is false."""


SKIPPED: Final = Skipped()


class CelExpression:
    """A compiled expression, with the guard before it."""

    def __init__(self, rule: Rule, properties: Mapping[str, str]) -> None:
        """Raises RuleEvaluationError for an expression that cannot be compiled."""
        guard, expr = rule.split_guard(properties)
        self._text = f"{guard}\n{expr}"
        self._guard = compile_program(guard) if guard else None
        self._program = compile_program(expr) if expr.strip() else None
        programs = [program for program in (self._guard, self._program) if program is not None]
        names = {name for program in programs for name in program.variables()}
        self.uses_message = "message" in names
        self._uses_now = "now" in names
        called = {name for program in programs for name in program.functions()}
        self._functions = {name: function for name, function in FUNCTIONS.items() if name in called}
        self._degree = measure_degree(self._text)
        self._has_large_patterns = len(_MATCHES.findall(self._text)) != len(_SMALL_PATTERN.findall(self._text))

    def weigh(self, size: int) -> float:
        """Return a bound of the steps of an evaluation on a value of this size, infinite for an unknown one."""
        if self._has_large_patterns or self._degree > _MAX_DEGREE:
            return float("inf")
        return float(max(len(self._text) // _CHARACTERS_PER_STEP, 1) * (size + 1)) ** self._degree

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        """Return the native result; None without an expression, SKIPPED where the guard is false.

        Raises RuleEvaluationError.
        """
        context = {**variables, **self._functions}
        if self._uses_now:
            context["now"] = datetime.now(UTC)
        if self._guard is not None and not _execute(self._guard, context):
            return SKIPPED
        return SKIPPED if self._program is None else _execute(self._program, context)


def measure_degree(text: str) -> int:
    """Return the highest power of a value's size that an expression can take: one for each macro, two if it copies."""
    macros: list[str] = _MACRO.findall(_LITERAL.sub("''", text))
    return max(sum(_MACRO_DEGREES.get(macro, 1) for macro in macros), 1)


def is_small(rule: Rule) -> bool:
    """Return whether this process may compile the rule's expression."""
    return len(rule.expr or "") <= _MAX_SMALL_LENGTH


@lru_cache(_COMPILED)
def compile_program(expr: str) -> Any:
    """Return the compiled expression; raises RuleEvaluationError with the position and reason."""
    check_length(expr)
    cel = import_library("cel", "common-expression-language", "the types CEL and CEL_FIELD")
    try:
        return cel.compile(expr)
    except ValueError as error:
        raise RuleEvaluationError(_describe_syntax(str(error))) from error


def _describe_syntax(message: str) -> str:
    """Return the library's message without the expression that it repeats."""
    _, _, reason = message.rpartition("ERROR: ")
    line, _, rest = reason.partition("\n")
    place = re.match(r"<input>:(\d+):(\d+): (.*)", line)
    if place is None:
        return cut(f"the expression cannot be compiled: {reason or rest}")
    return cut(f"the expression cannot be compiled: line {place[1]}, column {place[2]}: {place[3]}")


def _execute(program: Any, context: Mapping[str, Any]) -> Any:
    try:
        return program.execute(context)
    except KeyError as error:
        raise RuleEvaluationError(f"no such key: {error}") from error
    except (ValueError, TypeError, RuntimeError, ArithmeticError, LookupError) as error:
        raise RuleEvaluationError(cut(str(error).split(". CEL does not")[0])) from error


def _is_hostname(text: Any) -> bool:
    if not isinstance(text, str) or not 0 < len(text) <= _MAX_HOST:
        return False
    labels = text.removesuffix(".").split(".")
    return all(_HOST_LABEL.fullmatch(part) for part in labels) and not labels[-1].isdigit()


def _is_email(text: Any) -> bool:
    match = _EMAIL.fullmatch(text) if isinstance(text, str) and len(text) <= _MAX_EMAIL else None
    return match is not None and _is_hostname(match[1])


def _is_address(text: Any, version: int) -> bool:
    try:
        return isinstance(text, str) and ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _is_uri_reference(text: Any) -> bool:
    if not isinstance(text, str) or not _URI_CHARACTERS.fullmatch(text):
        return False
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def _is_uuid(text: Any) -> bool:
    try:
        return isinstance(text, str) and str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "isEmail": _is_email,
    "isHostname": _is_hostname,
    "isIpv4": lambda text: _is_address(text, 4),
    "isIpv6": lambda text: _is_address(text, 6),
    "isUri": lambda text: _is_uri_reference(text) and bool(urlsplit(text).scheme),
    "isUriRef": _is_uri_reference,
    "isUuid": _is_uuid,
}
"""Those that Confluent's clients add to CEL's own."""
