"""What CONTRIBUTING.md says of names holds for the whole package, read from its syntax trees."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "karapace_like"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_ROOT_MODULES = 8

_IRREGULAR = re.compile(
    r"asked|begun|bought|broken|brought|built|caught|chosen|done|drawn|fallen|forgotten|found|given|gone|got|grown|"
    r"held|heard|hidden|kept|known|laid|left|lent|lost|made|meant|met|paid|proven|said|seen|sent|shown|slept|sold|sought|"
    r"spoken|spent|stolen|stood|stuck|sworn|taken|taught|thought|thrown|told|torn|understood|woken|won|worn|written"
)
_REGULAR = re.compile(r"(?!embed|exceed|feed|need|proceed|seed|shed|speed)\w{3,}ed")
_PARTICLES = re.compile(
    r"above|after|against|apart|as|aside|at|away|back|before|below|beside|between|by|down|for|from|here|in|into|of|off|on|"
    r"only|out|over|plainly|there|through|to|together|up|upon|with|within|without"
)
_PROPERTIES = frozenset({"property", "cached_property"})
_QUESTIONS = frozenset({"are", "can", "has", "is", "may", "must", "should", "was", "will"})
_KEYWORDS = frozenset({"fixed", "required", "reserved"})
"""Keywords of Avro, JSON Schema and Protobuf, which are nouns where a function reads or compares them."""
_OF_ASYNCIO = frozenset({"connection_lost", "data_received"})
"""Methods of `asyncio.Protocol`."""
_VAGUE_NAMES = frozenset({"each", "found"})
_JAVA_CLASS = re.compile(r"\bjavax?\.(lang|util|time|io|net)\b|\b(io\.confluent|com\.fasterxml|org\.glassfish)\.")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text())))


def _functions(path: Path) -> Iterator[Function]:
    """Every function but properties, which are nouns."""
    for node in _nodes(path):
        if isinstance(node, Function) and not any(_name(decorator) in _PROPERTIES for decorator in node.decorator_list):
            yield node


def _name(decorator: ast.expr) -> str:
    return decorator.attr if isinstance(decorator, ast.Attribute) else getattr(decorator, "id", "")


def _is_participle(word: str) -> bool:
    return any(pattern.fullmatch(word) for pattern in (_IRREGULAR, _REGULAR))


def is_bare_participle(name: str) -> bool:
    """Whether a function's name is a participle, alone (`found`) or with a particle (`looked_up`)."""
    first, *others = name.strip("_").split("_") or [""]
    return _is_participle(first) and (not others or _PARTICLES.fullmatch(others[0]) is not None)


def lacks_noun(name: str) -> bool:
    """Whether a function's name ends with a participle that has no noun (`read_omitted`); questions and clauses may."""
    *others, last = name.strip("_").split("_")
    if others and _PARTICLES.fullmatch(last):
        *others, last = others
    is_clause = bool(others) and (others[0] in _QUESTIONS or "until" in others)
    return _is_participle(last) and last not in _KEYWORDS and name not in _OF_ASYNCIO and not is_clause


def _bound_names(path: Path) -> Iterator[tuple[int, str]]:
    """(line, name) of every variable, parameter, and attribute that is bound."""
    for node in _nodes(path):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield node.lineno, name


def _texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every text but docstrings and others that nothing reads."""
    unread = {id(node.value) for node in _nodes(path) if isinstance(node, ast.Expr)}
    for node in _nodes(path):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in unread:
            yield node.lineno, node.value


def _where(path: Path, line: int) -> str:
    return f"{path.relative_to(PACKAGE.parent)}:{line}"


@pytest.mark.parametrize("name", ["found", "_shown", "looked_up", "_written_to_topics", "compared", "__asked"])
def test_a_participle_is_recognised(name: str) -> None:
    assert is_bare_participle(name)


@pytest.mark.parametrize(
    "name",
    ["find", "is_closed", "has_expired", "fetch_committed", "embed", "feed_all", "__init__", "_", "known_version"],
)
def test_verbs_questions_and_noun_phrases_are_not(name: str) -> None:
    assert not is_bare_participle(name)


@pytest.mark.parametrize("name", ["_read_omitted", "log_cached", "not_found", "render_looked_up", "sent"])
def test_a_name_without_its_noun_is_recognised(name: str) -> None:
    assert lacks_noun(name)


@pytest.mark.parametrize(
    "name",
    ["read_omitted_versions", "is_closed", "wait_until_applied", "print_reserved", "connection_lost", "feed", "_"],
)
def test_names_with_a_noun_questions_and_clauses_have_all_that_they_need(name: str) -> None:
    assert not lacks_noun(name)


@pytest.mark.slow
def test_no_function_is_named_by_a_bare_participle() -> None:
    named = [
        f"{_where(path, function.lineno)} {function.name}"
        for path in MODULES
        for function in _functions(path)
        if is_bare_participle(function.name)
    ]
    assert named == []


@pytest.mark.slow
def test_a_participle_in_a_name_of_a_function_or_property_has_its_noun() -> None:
    named = [
        f"{_where(path, node.lineno)} {node.name}"
        for path in MODULES
        for node in _nodes(path)
        if isinstance(node, Function) and lacks_noun(node.name)
    ]
    assert named == []


def test_variables_say_what_they_hold() -> None:
    named = [
        f"{_where(path, line)} {name}" for path in MODULES for line, name in _bound_names(path) if name in _VAGUE_NAMES
    ]
    assert named == []


def test_no_text_names_a_java_class() -> None:
    """Answers, messages and help are for people and programs that have nothing to do with another server's classes."""
    named = [
        f"{_where(path, line)} {text!r}" for path in MODULES for line, text in _texts(path) if _JAVA_CLASS.search(text)
    ]
    assert named == []


def test_the_root_holds_at_most_eight_modules() -> None:
    """What one room alone imports lives in that room; `__init__` and `__main__` are Python's."""
    modules = [path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")]
    assert len(modules) <= MAX_ROOT_MODULES, modules
