"""The check of what we build on fails for what is wrong, and not for a network that is not there."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[2] / ".ci" / "dependencies.py"


@pytest.fixture
def dependencies(tmp_path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("dependencies", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.REMEMBERED = tmp_path / "audited"  # type: ignore[attr-defined]
    return module


def _vulnerable(version: str) -> dict[str, Any]:
    known = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"], "description": ""}
    return {"name": "some", "version": version, "vulns": [known]}


@pytest.mark.parametrize(
    ("audited", "status", "told"),
    [
        ([{"name": "some", "version": "1.0", "vulns": []}], 0, ""),
        ([_vulnerable("1.0")], 1, "some 1.0: PYSEC-1, CVE-1, fixed in 2.0"),
        ([{"name": "some", "skip_reason": "not found"}], 0, "NOTHING WAS AUDITED"),
        ([{"name": "some", "skip_reason": "not found"}, _vulnerable("1.0")], 1, "not audited, since PyPI does not"),
        ([], 0, "NOTHING WAS AUDITED"),
    ],
)
def test_found_vulnerabilities_fail_and_an_absent_network_does_not(
    dependencies: ModuleType, capsys: pytest.CaptureFixture[str], audited: list[Any], status: int, told: str
) -> None:
    dependencies._audit = lambda: audited  # type: ignore[attr-defined]
    with pytest.raises(SystemExit) as ended:
        dependencies.main()
    assert ended.value.code == status
    said = capsys.readouterr()
    assert told in said.out + said.err
    if not told:
        assert said.out + said.err == ""


def test_every_package_that_runs_with_us_has_a_licence_that_is_on_the_list(dependencies: ModuleType) -> None:
    found = dict(dependencies.licences())
    assert {"aiohttp", "cryptography", "joserfc", "msgspec"} <= found.keys()
    assert json.dumps(found).count("not stated") == 0
