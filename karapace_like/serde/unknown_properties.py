"""Drop the properties of a JSON value that its JSON Schema forbids; everything else keeps its digits and order."""

from collections.abc import Sequence
from typing import Any

import jsonschema_rs
import msgspec

_objects = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_arrays = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode
_FORBIDDING = frozenset({"additionalProperties", "unevaluatedProperties"})


def drop_once(validator: jsonschema_rs.Validator, payload: bytes, value: Any) -> tuple[bytes, int]:
    """Return (JSON, number of properties that were dropped); `value` is the value of the payload."""
    dropped = 0
    for error in validator.iter_errors(value):
        if error.kind.name in _FORBIDDING:
            names: Sequence[str] = error.kind.as_dict().get("unexpected", ())
            payload = _drop(payload, error.instance_path, frozenset(names))
            dropped += len(names)
    return payload, dropped


def _drop(text: bytes, path: Sequence[str | int], names: frozenset[str]) -> bytes:
    if not path:
        return _encode({name: member for name, member in _objects(text).items() if name not in names})
    step, *rest = path
    if isinstance(step, int):
        items = _arrays(text)
        items[step] = msgspec.Raw(_drop(bytes(items[step]), rest, names))
        return _encode(items)
    members = _objects(text)
    members[step] = msgspec.Raw(_drop(bytes(members[step]), rest, names))
    return _encode(members)
