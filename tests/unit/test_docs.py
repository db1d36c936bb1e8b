"""The pages that are written from the code are as the code would write them now, and all of them make a site."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["configuration.md", "compatibility.md", "dialects.md", "lint.md"])
def test_a_generated_page_is_up_to_date(name: str) -> None:
    """`make docs` writes it."""
    assert (DOCS / name).read_text() == generator().PAGES[name]()


@pytest.mark.long
@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    """A page that is on no menu, or a link to nowhere, is a warning."""
    command = [sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", str(DOCS), str(tmp_path)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    assert 'id="a-tour-by-curl"' in (tmp_path / "quick-start.html").read_text()
    calls = re.sub("<[^>]*>", "", (tmp_path / "http-api.html").read_text())
    for each in ("POST /subjects/{subject}/versions", "PUT /mode/{subject}", "POST /topics/{topic}", "GET /metrics"):
        assert f"\n{each}\n" in calls
