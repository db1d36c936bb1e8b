"""What the schema engines cost: parse, canonical text and a comparison, for a small and a large schema of each format.

python -m benchmarks.schemas
"""

import json
import timeit
from collections.abc import Callable
from typing import Any

from karapace_like.schema import formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import CompatibilityPolicy, SchemaType, Strictness, UnparsedSchema

SIZES = (12, 300)
_SECONDS = 0.2


def _avro(fields: int) -> str:
    described = [{"name": f"field_{each}", "type": ["null", "string"], "default": None} for each in range(fields)]
    return json.dumps({"type": "record", "name": "Parcel", "namespace": "own", "fields": described})


def _json(fields: int) -> str:
    described = {f"field_{each}": {"type": ["null", "string"], "maxLength": 80} for each in range(fields)}
    return json.dumps({"title": "Parcel", "type": "object", "properties": described, "additionalProperties": False})


def _protobuf(fields: int) -> str:
    described = "".join(f"  optional string field_{each} = {each + 1};\n" for each in range(fields))
    return f'syntax = "proto3";\npackage own;\nmessage Parcel {{\n{described}}}\n'


TEXTS = {SchemaType.AVRO: _avro, SchemaType.JSON: _json, SchemaType.PROTOBUF: _protobuf}


def _microseconds(work: Callable[[], Any]) -> float:
    timer = timeit.Timer(work)
    number = max(1, int(_SECONDS / max(timer.timeit(1), 1e-6)))
    return min(timer.repeat(3, number)) / number * 1e6


def main() -> None:
    """Print a line for each format and size, in microseconds."""
    print(f"{'':16}{'fields':>8}{'parse':>10}{'canonical':>12}{'compare':>10}   us, the best of three")
    for schema_type, text_of in TEXTS.items():
        form = FORMATS[schema_type]
        for size in SIZES:
            text = text_of(size)
            schema = UnparsedSchema(schema_type, text)
            old, new = form.parse(text, {}, Strictness.STRICT), form.parse(text_of(size + 1), {}, Strictness.STRICT)
            parse = _microseconds(lambda schema=schema: formats.parse(schema, {}))  # type: ignore[misc]
            canonical = _microseconds(lambda form=form, new=new: form.canonicalise(new))  # type: ignore[misc]
            compare = _microseconds(
                lambda form=form, new=new, old=old: form.find_incompatibilities(new, old, CompatibilityPolicy.STRICT)  # type: ignore[misc]
            )
            print(f"{schema_type:16}{size:8}{parse:10.0f}{canonical:12.0f}{compare:10.0f}", flush=True)


if __name__ == "__main__":
    main()
