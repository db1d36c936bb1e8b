"""`karapace-like check` finds the same whether schemas share what is read of their references or not.

`SHARING_SEEDS` sets how many repositories are drawn for each format.
"""

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from karapace_like.tooling import workspace
from tests.command_line import run, write

COUNT = 6
TYPES = ["integer", "number", "string"]


def avro(draw: random.Random, at: int) -> tuple[str, str]:
    fields: list[dict[str, Any]] = [{"name": f"a{n}", "type": draw.choice(["int", "long", "string"])} for n in range(2)]
    fields += [{"name": f"r{other}", "type": f"s.R{other}"} for other in range(at) if draw.random() < 0.4]
    if draw.random() < 0.2:
        fields.append({"name": "more", "type": "int", **({"default": 1} if draw.random() < 0.5 else {})})
    return f"r{at}.avsc", json.dumps({"type": "record", "name": f"R{at}", "namespace": "s", "fields": fields})


def json_schema(draw: random.Random, at: int) -> tuple[str, str]:
    properties: dict[str, Any] = {f"a{n}": {"type": draw.choice(TYPES)} for n in range(2)}
    for other in range(at):
        if draw.random() < 0.4:
            fragment = draw.choice(["", "#/definitions/D", "#/properties/a0"])
            properties[f"r{other}"] = {"$ref": f"r{other}.schema.json{fragment}"}
    schema: dict[str, Any] = {"type": "object", "properties": properties}
    schema["definitions"] = {"D": {"type": draw.choice(TYPES)}, "E": {"$ref": "#/definitions/D"}}
    if draw.random() < 0.3:
        schema["$id"] = f"http://shop/r{draw.randrange(COUNT)}.schema.json"
    if draw.random() < 0.3:
        schema["$schema"] = draw.choice(
            ["http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"]
        )
    return f"r{at}.schema.json", json.dumps(schema)


def protobuf(draw: random.Random, at: int) -> tuple[str, str]:
    others = [other for other in range(at) if draw.random() < 0.4]
    fields = [f"  {draw.choice(['int32', 'int64', 'string'])} a{n} = {n + 1};\n" for n in range(2)]
    fields += [f"  R{other} r{other} = {other + 10};\n" for other in others]
    imports = "".join(f'import "r{other}.proto";\n' for other in others)
    return f"r{at}.proto", f'syntax = "proto3";\npackage s;\n{imports}message R{at} {{\n{"".join(fields)}}}\n'


def check(folder: Path) -> list[Any]:
    """The subjects with their verdicts and problems; only some problems have an example."""
    ended = run("check", "new", "--against", "old", "--level", "FULL", "--format", "json", folder=folder)
    if not ended.out:
        return [ended.code, ended.err]
    cases: list[Any] = ended.json()["cases"]
    for case in cases:
        for problem in case["problems"]:
            del problem["example"]
    return [ended.code, *cases]


@pytest.mark.slow
@pytest.mark.parametrize("make", [avro, json_schema, protobuf], ids=lambda make: str(make.__name__))
def test_shared_references_change_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    verdicts = set()
    for seed in range(int(os.environ.get("SHARING_SEEDS", "12"))):
        shutil.rmtree(tmp_path)
        draw = random.Random(seed)
        for at in range(COUNT):
            state = draw.getstate()
            write(tmp_path / "old", dict([make(draw, at)]))
            if draw.random() < 0.7:
                draw.setstate(state)  # the same schema again
            write(tmp_path / "new", dict([make(draw, at)]))
        shared = check(tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr(workspace, "SharedReferences", lambda: None)
            assert check(tmp_path) == shared, seed
        verdicts |= {case["verdict"] for case in shared[1:] if isinstance(case, dict)}
    assert {"passed", "failed"} <= verdicts
