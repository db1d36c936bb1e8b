"""The names of aiohttp that are not public and that this service uses: each exists in the installed version.

This is the one list of them. setup.cfg holds aiohttp to its minor version; whoever raises it starts here.
"""

import ast
import inspect
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server
from packaging.requirements import Requirement

import karapace_like
from karapace_like.web.server.connection import Connection
from karapace_like.web.server.runner import Runner

INTERNALS: dict[type[Any], tuple[str, ...]] = {
    RequestHandler: (
        "_close", "_current_request", "_force_close", "_handle_request", "_keepalive_timeout", "_lingering_time",
        "_loop", "_messages", "_next_keepalive_close_time", "_pause_transport_reading", "_resume_transport_reading",
    ),
    Server: ("_kwargs", "_loop"),
    web.AppRunner: ("_make_server",),
    web.Application: ("_client_max_size",),
    web.BaseRequest: ("_read_bytes",),
    web.Request: ("_match_info",),
}  # fmt: skip
OVERRIDDEN = {"_handle_request", "_make_server"}
"""Those that our classes replace."""
NAMED_TUPLES = {"_asdict", "_replace"}
"""Public methods of named tuples in spite of their names."""
ROOM = Path(karapace_like.__file__).parent / "web"
NAMES = {name for names in INTERNALS.values() for name in names}


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for owner, names in INTERNALS.items() for name in names])
def test_the_installed_aiohttp_has_the_name(owner: type[Any], name: str) -> None:
    assert hasattr(owner, name) or f"self.{name} = " in inspect.getsource(owner.__init__)


@pytest.mark.parametrize(("ours", "theirs"), [(Connection, RequestHandler), (Runner, web.AppRunner)])
def test_our_attributes_hide_none_of_aiohttp(ours: type[Any], theirs: type[Any]) -> None:
    hidden = {name for name in vars(ours) if _is_private(name) and hasattr(theirs, name)}
    assert hidden - OVERRIDDEN - {"_abc_impl"} == set()


def test_the_list_has_every_private_name_that_is_used() -> None:
    used, own = set[str](), set[str]()
    for path in ROOM.rglob("*.py"):
        tree = ast.parse(path.read_text())
        used |= set(_used(tree))
        own |= set(_defined(tree))
    assert used - own - NAMED_TUPLES <= NAMES
    assert used >= NAMES - OVERRIDDEN


def test_the_minor_version_of_aiohttp_is_pinned() -> None:
    requirements = map(Requirement, _requirements())
    [allowed] = [requirement.specifier for requirement in requirements if requirement.name == "aiohttp"]
    major, minor = version("aiohttp").split(".")[:2]
    assert allowed.contains(f"{major}.{minor}.99")
    assert not allowed.contains(f"{major}.{int(minor) + 1}.0")


def _requirements() -> list[str]:
    settings = ConfigParser(interpolation=None)
    settings.read(ROOM.parents[1] / "setup.cfg")
    lines = map(str.strip, settings["options.extras_require"]["server"].splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) if _is_private(name):
                yield name
            case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str(name)), *_]) if _is_private(
                name
            ):
                yield name


def _defined(tree: ast.AST) -> Iterator[str]:
    """Names that the module defines itself: functions, classes, and attributes that a class gives itself."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                for target in targets:
                    yield from _assigned(target)
            case ast.AnnAssign(target=target):
                yield from _assigned(target)


def _assigned(target: ast.AST) -> Iterator[str]:
    for node in ast.walk(target):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name):
                yield name


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")
