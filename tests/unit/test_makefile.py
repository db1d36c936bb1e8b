"""Lists of the Makefile hold what they are made for."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SERVICES = re.compile(r"\b(ServiceProcess|RegistryNodes)\b")
_STARTS_NONE = ROOT / "tests/unit"


def test_every_file_that_starts_a_service_runs_with_several_workers() -> None:
    """`make test-workers` takes its files from a list."""
    text = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    listed = re.search(r"^WITH_SERVICES := (.*)$", text, re.MULTILINE)
    assert listed is not None
    places = [ROOT / "tests" / name for name in listed[1].split()]
    assert [place for place in places if not place.exists()] == []
    naming = [path for path in (ROOT / "tests").rglob("test_*.py") if _SERVICES.search(path.read_text())]
    starting = [path for path in naming if not path.is_relative_to(_STARTS_NONE)]
    assert len(starting) > 50
    assert [path for path in starting if not any(path.is_relative_to(place) for place in places)] == []
