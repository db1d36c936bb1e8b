"""How long `karapace-like check` and `lint` take for a repository of schemas, interpreter start included.

python -m benchmarks.files [--schemas 200] [--runs 5] [--kind avsc] [--buf node_modules/.bin/buf]

Half of the schemas are Avro, a quarter each JSON Schema and Protobuf, or all of one kind, with 20 fields; each has
changed. The time is the best of the runs; CPU seconds are the less disturbed by what else the machine does. `--buf`
runs buf (npm install @bufbuild/buf) on the same .proto files, in the same run.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

_FIELDS = 20


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--schemas", type=int, default=200)
    arguments.add_argument("--runs", type=int, default=5)
    arguments.add_argument("--kind", choices=[*_TEXTS])
    arguments.add_argument("--buf", type=Path)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, fields in (("old", _FIELDS), ("new", _FIELDS + 1)):
            _write(Path(folder, name), given.schemas, fields, [given.kind] if given.kind else _MIXED)
        command = [sys.executable, "-m", "karapace_like"]
        _report("start alone", [*command, "check", "--help"], given.runs)
        check = [*command, "check", f"{folder}/new", "--against", f"{folder}/old"]
        _report(f"check of {given.schemas} changed schemas", check, given.runs)
        _report(f"lint of {given.schemas} schemas", [*command, "lint", f"{folder}/new"], given.runs)
        if given.buf is not None:
            buf = str(given.buf.absolute())
            breaking = [buf, "breaking", f"{folder}/new", "--against", f"{folder}/old"]
            _report("buf breaking", breaking, given.runs)
            _report("buf lint", [buf, "lint", f"{folder}/new"], given.runs)


def _report(name: str, command: list[str], runs: int) -> None:
    costs = [_cost(command) for _ in range(runs)]
    wall, processor = (min(each) for each in zip(*costs, strict=True))
    print(f"{name}: {wall:.2f} s, {processor:.2f} s of CPU")


def _cost(command: list[str]) -> tuple[float, float]:
    """(wall, CPU) seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)  # buf's rules are not kept
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _write(folder: Path, schemas: int, fields: int, kinds: Sequence[str]) -> None:
    folder.mkdir()
    for number in range(schemas):
        kind = kinds[number % len(kinds)]
        (folder / f"schema-{number}.{kind}").write_text(_TEXTS[kind](f"Parcel{number}", fields))


def _avro(name: str, fields: int) -> str:
    listed = [{"name": f"field_{each}", "type": ["null", "string"], "default": None} for each in range(fields)]
    return json.dumps({"type": "record", "name": name, "namespace": "shop", "fields": listed}, indent=2)


def _json_schema(name: str, fields: int) -> str:
    properties = {f"field_{each}": {"type": "string", "maxLength": 100} for each in range(fields)}
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": name, "additionalProperties": False}
    return json.dumps({**head, "type": "object", "properties": properties}, indent=2)


def _protobuf(name: str, fields: int) -> str:
    listed = "".join(f"  string field_{each} = {each + 1};\n" for each in range(fields))
    return f'syntax = "proto3";\npackage shop;\n\nmessage {name} {{\n{listed}}}\n'


_MIXED = ("avsc", "avsc", "proto", "schema.json")
_TEXTS = {"avsc": _avro, "schema.json": _json_schema, "proto": _protobuf}

if __name__ == "__main__":
    main()
