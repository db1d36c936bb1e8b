"""The pictures and the generated part of docs/architecture.md are as the code is now: `make structure` writes them."""

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[2] / "docs" / "structure.py"
NEIGHBOURS = {"comparison.py", "scalars.py", "content_models.py", "rules.py"}
"""Modules that the page names beside the path of one of them."""


@pytest.fixture(scope="module")
def structure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("structure", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_what_is_written_from_the_code_is_up_to_date(structure: ModuleType) -> None:
    stale = [path.name for path, text in structure.render().items() if path.read_text() != text]
    assert stale == [], "run `make structure`"


def test_arrows_and_layers_are_those_of_the_code(structure: ModuleType, tmp_path: Path) -> None:
    """Imports of a module, of a name in it, and of a room by name count; those within a room do not."""
    (tmp_path / "setup.cfg").write_text(
        "[importlinter:contract:layers]\ntype = layers\ncontainers = karapace_like\nlayers =\n    top\n    low | base\n"
    )
    package = tmp_path / "karapace_like"
    for path, text in {
        "top/__init__.py": '"""The top. And more."""\nfrom karapace_like import low\n',
        "top/inner/deep.py": "import karapace_like.base\nimport karapace_like.top.inner\n",
        "low.py": "import json\n\ndef late() -> None:\n    from karapace_like.base import thing\n",
        "base.py": '"""The base."""\n',
        "astray.py": "from karapace_like.top.inner import deep\n",
    }.items():
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(text)
    found = structure.read_structure(tmp_path, "layers")
    assert found.arrows == {
        "top": {"low", "base"},
        "low": {"base"},
        "base": frozenset(),
        "astray": {"top"},
    }
    assert structure.reduce_arrows(found.arrows)["top"] == {"low"}
    assert found.modules == {"top": ["inner.deep"], "low": [], "base": [], "astray": []}
    assert found.about["top"] == "The top."
    assert [list(layer) for layer in found.layers] == [["top"], ["low", "base"], ["astray"]]
    assert found.unlayered == 1
    assert "low imports base" in structure.draw(found)


def test_every_path_and_name_that_the_page_mentions_exists(structure: ModuleType) -> None:
    """A renamed module or class is renamed in the glossary and in the answers to newcomers, too."""
    page = structure.PAGE.read_text()
    roots = (structure.ROOT, structure.ROOT / structure.PACKAGE, structure.ROOT / "docs")
    paths = set(re.findall(r"`((?:[\w.-]+/)*[\w-]+(?:\.(?:py|md|cfg)|/))`", page)) - NEIGHBOURS - {"cli/NAME.py"}
    assert [path for path in sorted(paths) if not any((root / path).exists() for root in roots)] == []
    owned = re.findall(r"`([\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", page)
    assert owned
    for path, names in owned:
        tree = ast.parse((structure.ROOT / structure.PACKAGE / path).read_text())
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        assert set(re.findall(r"\w+", names)) <= defined, path
