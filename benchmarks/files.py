"""How long `karapace-like check` takes for a repository of schemas, interpreter start included.

python -m benchmarks.files [--schemas 200] [--runs 5]

Half of the schemas are Avro, a quarter each JSON Schema and Protobuf, with 20 fields; each has changed. The time is the
best of the runs; CPU seconds are the less disturbed by what else the machine does.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_FIELDS = 20


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--schemas", type=int, default=200)
    arguments.add_argument("--runs", type=int, default=5)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, fields in (("old", _FIELDS), ("new", _FIELDS + 1)):
            _write(Path(folder, name), given.schemas, fields)
        command = [sys.executable, "-m", "karapace_like", "check", f"{folder}/new", "--against", f"{folder}/old"]
        _report("start alone", [sys.executable, "-m", "karapace_like", "check", "--help"], given.runs)
        _report(f"{given.schemas} changed schemas", command, given.runs)


def _report(name: str, command: list[str], runs: int) -> None:
    costs = [_cost(command) for _ in range(runs)]
    wall, processor = (min(each) for each in zip(*costs, strict=True))
    print(f"{name}: {wall:.2f} s, {processor:.2f} s of CPU")


def _cost(command: list[str]) -> tuple[float, float]:
    """(wall, CPU) seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _write(folder: Path, schemas: int, fields: int) -> None:
    folder.mkdir()
    for number in range(schemas):
        kind = ("avsc", "avsc", "proto", "schema.json")[number % 4]
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


_TEXTS = {"avsc": _avro, "schema.json": _json_schema, "proto": _protobuf}

if __name__ == "__main__":
    main()
