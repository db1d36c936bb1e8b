"""Parse policies from JSON: each fault is one sentence that names the field, what it holds, and what was expected."""

import enum
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.policies import errors, names
from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.policy import Framed, Invalid, PartPolicy, Plain, TopicPolicy

_PLACE = re.compile(r"(?P<fault>.*?)(?: - at `(?P<key>key in )?\$(?P<path>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)


def parse_policy(value: Any) -> TopicPolicy:
    """Return the policy in parsed JSON; raises InvalidPolicyError."""
    try:
        policy = msgspec.convert(value, TopicPolicy)
    except msgspec.ValidationError as error:
        raise InvalidPolicyError(_explain(str(error), value)) from error
    check_consistency(policy)
    return policy


def parse_policies(text: bytes) -> dict[str, TopicPolicy]:
    """Return the policies in the text of a file, an object with a policy under each name; raises InvalidPolicyError."""
    try:
        listed = msgspec.json.decode(text)
    except NOT_JSON as error:
        raise InvalidPolicyError(f"The file is not JSON: {error}.") from error
    if not isinstance(listed, dict):
        raise InvalidPolicyError(
            'The file must hold a JSON object, such as {"orders": {"value": {"plain": "refuse"}}}.'
        )
    policies = {}
    for name, value in listed.items():
        if not names.is_name(name):
            raise errors.invalid_name(name)
        try:
            policies[name] = parse_policy(value)
        except InvalidPolicyError as error:
            raise InvalidPolicyError(f"The policy {name}: {error.message}") from error
    return policies


def check_consistency(policy: TopicPolicy) -> None:
    """Raise InvalidPolicyError for settings that cannot be meant together."""
    for place, part in {"key": policy.key, "value": policy.value}.items():
        if fault := _find_fault(place, part, policy):
            raise InvalidPolicyError(fault)


def _find_fault(place: str, part: PartPolicy, policy: TopicPolicy) -> str | None:
    schema, versions = part.schema, part.versions
    if schema.metadata is not None and schema.version != "latest":
        return f"{place}.schema has both version and metadata; expected one of them."
    if versions is not None:
        if versions.max is not None and versions.max < versions.min:
            return (
                f"{place}.versions is empty: max {versions.max} is less than min {versions.min}. No record could be "
                "written."
            )
        if part.framed is not Framed.SUBJECT:
            return f'{place}.versions needs {place}.framed to be "subject": with "any", every version is accepted.'
        if isinstance(schema.version, int) and part.plain is Plain.ENCODE and not versions.holds(schema.version):
            return (
                f"{place}.schema.version {schema.version} is not among {place}.versions, so that no record that the "
                "policy encodes would be accepted by it."
            )
    if part.invalid is Invalid.DEAD_LETTER and policy.dead_letter_topic is None:
        return f'{place}.invalid is "dead_letter", which needs a dead_letter_topic.'
    return None


def _explain(message: str, value: Any) -> str:
    match = _PLACE.fullmatch(message)
    assert match is not None
    fault, path = match["fault"], (match["path"] or "").removeprefix(".")
    unknown = _UNKNOWN.fullmatch(fault)
    if unknown is not None:
        place = f"{path}.{unknown[1]}" if path else unknown[1]
        return f"{place} is no field of a policy; expected {_list_choices(_find_type(path).__struct_fields__)}."
    where = path or "The policy"
    if match["key"]:
        return f"{where} has a key that is not accepted: {fault}."
    return f"{where}: {_name_choices(path) or fault} (was {_show(value, path)})."


def _name_choices(path: str) -> str | None:
    """Return what a field with few values expects; None for any other field."""
    kind = _find_type(path)
    if isinstance(kind, enum.EnumMeta):
        return f"expected {_list_choices(map(str, kind))}"
    return _EXPECTED.get(path.rpartition(".")[2])


def _find_type(path: str) -> Any:
    """Return the type of the field at the path, None for one without a type of its own."""
    kind: Any = TopicPolicy
    for step in filter(None, path.split(".")):
        fields = {field.name: field for field in msgspec.structs.fields(kind)} if _is_struct(kind) else {}
        kind = _find_field_type(fields[step]) if step in fields else None
    return kind


def _find_field_type(field: msgspec.structs.FieldInfo) -> Any:
    if field.default is not None:
        return type(field.default)
    return next(filter(_is_struct, get_args(field.type)), None)


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _list_choices(choices: Iterable[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}"


def _show(value: Any, path: str) -> str:
    """Return the value at the path, as JSON; a long one is cut."""
    for step in filter(None, path.split(".")):
        if not isinstance(value, Mapping) or step not in value:
            break
        value = value[step]
    shown = msgspec.json.encode(value).decode()
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."


_SHOWN = 100
"""Characters of a value that a message quotes."""
_EXPECTED = {
    "version": 'expected "latest" or the number of a version',
    "versions": "expected an object with min, max or both",
    "metadata": "expected an object of 1 to 20 strings",
}
"""Field -> what it expects, where msgspec's words say less."""
