"""What plain `pip install karapace-like` gives: the commands on files and registries, without server and compiler."""

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.cli.shop import ADDRESS, ADDRESS_WITH_CITY, SIZE, Shop
from tests.command_line import Outcome, write

pytestmark = pytest.mark.slow

OWN = "karapace-like"
MEGABYTE = 1_000_000

BLOCKING = """
import sys
blocked = frozenset({blocked!r})
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
from karapace_like.cli import main
main(prog_name="karapace-like")
"""


def list_installed(extras: Sequence[str]) -> set[str]:
    """The packages that the installation with these extras brings, canonically spelled, this one included."""

    def walk(name: str, wanted: Sequence[str]) -> Iterator[str]:
        if name in seen:
            return
        seen.add(name)
        try:
            needed = distribution(name).requires or ()
        except PackageNotFoundError:  # of another platform
            return
        yield name
        for text in needed:
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *wanted)):
                yield from walk(spell(requirement.name), sorted(requirement.extras))

    seen: set[str] = set()
    return set(walk(OWN, extras))


def spell(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def list_blocked(extras: Sequence[str]) -> list[str]:
    """The modules of all other packages in this environment."""
    installed = list_installed(extras)
    return sorted(
        module
        for module, packages in packages_distributions().items()
        if installed.isdisjoint(map(spell, packages)) and module.isidentifier()
    )


def run_light(folder: Path, *arguments: object, extras: Sequence[str] = ()) -> Outcome:
    """The command in a process that can import only what such an installation has."""
    code = BLOCKING.format(blocked=list_blocked(extras))
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=folder, capture_output=True, text=True, check=False
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def test_server_client_and_compiler_are_blocked() -> None:
    """Otherwise these tests would say nothing."""
    servers = {"aiohttp", "confluent_kafka", "aiokafka", "uvloop", "prometheus_client", "cryptography", "joserfc"}
    assert servers | {"grpc_tools", "grpc", "google", "setuptools"} <= {*list_blocked(())}
    assert servers <= {*list_blocked(["protobuf"])}
    assert not servers & {*list_blocked(["server"])}


@pytest.mark.parametrize(("extras", "limit"), [((), 40), (("protobuf",), 80)])
def test_the_installation_is_small(extras: Sequence[str], limit: int) -> None:
    """Megabytes of the files as the wheels have them; pip adds bytecode. Ours are measured in their folder."""
    ours = Path(__file__).parents[2] / "karapace_like"
    size = sum(file.stat().st_size for file in ours.rglob("*") if file.is_file() and file.suffix != ".pyc")
    for name in list_installed(extras) - {OWN}:
        package = distribution(name)
        files = [Path(str(package.locate_file(file))) for file in package.files or () if file.suffix != ".pyc"]
        size += sum(file.stat().st_size for file in files if file.exists())
    assert size <= limit * MEGABYTE, f"{size / MEGABYTE:.1f} MB"


def test_files_of_avro_and_json_schema_are_checked(tmp_path: Path) -> None:
    town = ADDRESS_WITH_CITY.replace("city", "town").replace(', "default": ""', "")
    person = '{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"name": {"type": "string"%s}}}'
    write(tmp_path / "old", {"address.avsc": ADDRESS_WITH_CITY, "person.json": person % ""})
    write(tmp_path / "new", {"address.avsc": town, "person.json": person % ', "maxLength": 10'})
    ended = run_light(tmp_path, "check", "new", "--against", "old", "--format", "text", "--format", "sarif=report.json")
    assert ended.code == 1, ended
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in ended.out
    assert "MAX_LENGTH_ADDED" in ended.out
    assert ended.out.count("example: ") == 2
    linted = run_light(tmp_path / "new", "lint", "--rule", "field-doc=warning")
    assert (linted.code, linted.err) == (0, "")
    assert run_light(tmp_path, "diff", "old/address.avsc", "new/address.avsc").code == 1


@pytest.mark.parametrize("arguments", [("check", ".", "--against", "."), ("lint",)])
def test_protobuf_names_the_extra(tmp_path: Path, arguments: Sequence[str]) -> None:
    write(tmp_path, {"size.proto": SIZE})
    sentence = "Error: Protobuf schemas need more packages. Install them: pip install 'karapace-like[protobuf]'\n"
    ended = run_light(tmp_path, *arguments)
    assert (ended.code, ended.out, ended.err) == (2, "", sentence)
    assert run_light(tmp_path, *arguments, extras=["protobuf"]).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("command", ["serve", "kafka", "doctor", "export", "takeover"])
def test_commands_of_the_server_name_the_extra(tmp_path: Path, command: str) -> None:
    ended = run_light(tmp_path, command)
    assert (ended.code, ended.out) == (2, "")
    assert re.fullmatch(
        r"Error: This needs the package \w+, which the server brings\. "
        r"Install it: pip install 'karapace-like\[server\]'\n",
        ended.err,
    )


@pytest.mark.kafka
def test_a_registry_is_read_and_changed(shop: Shop) -> None:
    shop.write({"address.avsc": ADDRESS})
    assert run_light(shop.folder, "apply", "--yes", "--registry", shop.url).code == 0
    shop.write({"address.avsc": ADDRESS_WITH_CITY})
    assert run_light(shop.folder, "check", "--registry", shop.url).out == "1 schema: 1 passed\n"
    assert "+ register" in run_light(shop.folder, "plan", "--registry", shop.url).out
    assert run_light(shop.folder, "find", "street", "--registry", shop.url).code == 0
    assert run_light(shop.folder, "impact", "--registry", shop.url).code == 0
