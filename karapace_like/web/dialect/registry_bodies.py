"""Bodies of the registry's requests as Karapace checks them: faults are listed, each with its place and kind.

Source: observed answers of Karapace 6.2.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.schema.model import SchemaType
from karapace_like.web.dialect.differences import Exchange, Proceed
from karapace_like.web.http import media_types

Fault: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[dict[str, Any]], Iterator[Fault]]

_MAX_SHOWN = 10_000
"""Characters of a value that a fault shows, roughly; a larger one is left out."""
_TYPES = " or ".join([", ".join(f"'{schema_type}'" for schema_type in sorted(SchemaType)[:-1]), f"'{max(SchemaType)}'"])


def check_body(check: Check) -> Callable[[Exchange, Proceed], Any]:
    """Return the function around a handler that refuses a body with 422 and the list of its faults."""

    async def answer(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
        media_types.check(exchange.request.headers.get("Content-Type") or None, media_types.REGISTRY_ACCEPTED)
        exchange.faults = _find_faults(exchange.document, check) or None
        if exchange.faults is not None:
            raise ApiError(422, "The body is not what this call takes")
        return await proceed()

    return answer


def _find_faults(document: Any, check: Check) -> list[Fault]:
    if document is None:
        return []  # missing, malformed or of another media type: the handler says which
    if not isinstance(document, dict):
        sentence = "Input should be a valid dictionary or object to extract fields from"
        return [_fault("model_attributes_type", (), sentence, document)]
    return list(check(document))


def check_schema(body: dict[str, Any]) -> Iterator[Fault]:
    """Yield the faults of a schema that is registered, looked up or compared."""
    if "schema" not in body:
        yield _fault("missing", ("schema",), "Field required", body)
    elif not isinstance(body["schema"], str):
        yield _fault("string_type", ("schema",), "Input should be a valid string", body["schema"])
    spelled = body.get("schemaType", SchemaType.AVRO)
    if not isinstance(spelled, str) or spelled not in set(SchemaType):
        yield _fault("enum", ("schemaType",), f"Input should be {_TYPES}", spelled) | {"ctx": {"expected": _TYPES}}
    yield from _check_references(body.get("references"))


def check_level(body: dict[str, Any]) -> Iterator[Fault]:
    """Yield the faults of a change of the config."""
    if "compatibility" not in body:
        yield _fault("missing", ("compatibility",), "Field required", body)
    elif not isinstance(body["compatibility"], str):
        yield _fault("string_type", ("compatibility",), "Input should be a valid string", body["compatibility"])


def _check_references(references: Any) -> Iterator[Fault]:
    if references is None:
        return
    if not isinstance(references, list):
        yield _fault("list_type", ("references",), "Input should be a valid list", references)
        return
    for position, reference in enumerate(references):
        place = ("references", position)
        if not isinstance(reference, dict):
            sentence = "Input should be a valid dictionary or object to extract fields from"
            yield _fault("model_attributes_type", place, sentence, reference)
            continue
        for name in ("name", "subject", "version"):
            if name not in reference:
                yield _fault("missing", (*place, name), "Field required", reference)


def _fault(kind: str, place: Sequence[str | int], sentence: str, value: Any) -> Fault:
    fault: Mapping[str, Any] = {"type": kind, "loc": ["body", *place], "msg": sentence}
    return {**fault, "input": value if len(repr(value)) <= _MAX_SHOWN else None}
