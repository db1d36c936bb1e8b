"""What a schema id stands for: a text with its type, references, metadata and rules, and the guid of it all.

Metadata and rule sets are kept as the JSON objects that they are, so that parts that this version does not know
survive; the functions here say how they are merged and hashed.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from karapace_like.schema.model import Reference, SchemaType, UnparsedSchema

Json = Mapping[str, Any]

VERSION_PROPERTY = "confluent:version"
"""The metadata property that records the version which a request asked for."""
RESERVED_PROPERTY = "confluent:reserved"
"""The metadata property that names, separated by commas, fields which the schema must not have at its top."""
_FIELDS = ("tags", "properties", "sensitive", "migrationRules", "domainRules", "encodingRules", "enableAt")
"""Of metadata and rule sets, in the order in which they are written."""
RULE_LISTS = ("migrationRules", "domainRules", "encodingRules")


class Content(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One immutable schema; equal contents share one id within a context.

    A Struct, as the other things of which there is one for every schema, because it is small and quickly made; the
    garbage collector does not look at it, because nothing in it leads back to it.
    """

    type: SchemaType
    text: str
    references: tuple[Reference, ...] = ()
    metadata: Json | None = None
    rule_set: Json | None = None
    digest: bytes = b""
    """MD5 over all of it: 16 bytes that are equal for equal contents in every context and registry."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "digest", self._digest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and self.digest == other.digest and self.type is other.type

    def __ne__(self, other: object) -> bool:
        return not self == other  # a Struct has a __ne__ of its own

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def schema(self) -> UnparsedSchema:
        """The part that a parser needs."""
        return UnparsedSchema(self.type, self.text, self.references)

    @property
    def guid(self) -> str:
        """The digest as the API shows it."""
        return str(uuid.UUID(bytes=self.digest))

    @property
    def attached(self) -> dict[str, Any]:
        """What belongs to the text, as JSON in the API and in the topic has it; what there is not is left out."""
        fields = {"references": self.references or None, "metadata": self.metadata, "ruleSet": self.rule_set}
        return {name: value for name, value in fields.items() if value is not None}

    def same_schema(self, other: "Content") -> bool:
        """Whether the two differ at most in metadata and rules."""
        return self.type is other.type and self.text == other.text and self.references == other.references

    def _digest(self) -> bytes:
        digest = hashlib.md5(self.text.encode(), usedforsecurity=False)
        for reference in self.references:
            digest.update(f"{reference.name}{reference.subject}".encode())
            digest.update(reference.version.to_bytes(4, "big", signed=True))
        for part in (self.metadata, self.rule_set):
            if part is not None:
                digest.update(b"\x01")
                digest.update(msgspec.json.encode(part, order="deterministic"))
        return digest.digest()


def merged(default: Json | None, own: Json | None, override: Json | None) -> Json | None:
    """default, then own, then override: the later of two properties or rules of one name wins, tags are all kept.

    {} is not None.
    """
    layers = [each for each in (default, own, override) if each is not None]
    if len(layers) <= 1:
        return layers[0] if layers else None
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            result[name] = _joined(result.get(name), value)
    known = {name: result[name] for name in _FIELDS if name in result}
    return {**known, **result}


def _joined(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {name: _joined(below.get(name), above.get(name)) for name in sorted({*below, *above})}
    if isinstance(below, list) and isinstance(above, list):
        if all(isinstance(each, str) for each in (*below, *above)):
            return sorted({*below, *above})
        names = {each.get("name") for each in above if isinstance(each, Mapping)}
        return [*(each for each in below if not isinstance(each, Mapping) or each.get("name") not in names), *above]
    return below if above is None else above


def metadata_property(metadata: Json | None, name: str) -> str | None:
    """One property's value, None if it is not set."""
    found = ((metadata or {}).get("properties") or {}).get(name)
    return None if found is None else str(found)


def with_property(metadata: Json | None, name: str, value: str) -> Json:
    """The metadata with one property set."""
    properties = dict((metadata or {}).get("properties") or {})
    properties[name] = value
    return {**(metadata or {}), "properties": dict(sorted(properties.items()))}


def same_but_for_number(sent: Content, kept: Content, number: int) -> bool:
    """Whether the two differ in nothing but that one of them has the kept one's version number in its metadata."""
    if not sent.same_schema(kept) or sent.rule_set != kept.rule_set:
        return False
    numbers = [metadata_property(each.metadata, VERSION_PROPERTY) for each in (sent, kept)]
    if numbers[0] is None and numbers[1] is not None:
        return with_property(sent.metadata, VERSION_PROPERTY, numbers[1]) == kept.metadata
    if numbers == [str(number), None]:
        return with_property(kept.metadata, VERSION_PROPERTY, str(number)) == sent.metadata
    return False


def without_rules(rule_set: Json | None, names: Collection[str]) -> Json | None:
    """The rule set without the rules of these names."""
    if rule_set is None:
        return None
    kept = {
        key: [each for each in rule_set[key] if each.get("name") not in names] for key in RULE_LISTS if key in rule_set
    }
    return {**rule_set, **kept}


def has_rule_of_type(rule_set: Json | None, rule_type: str) -> bool:
    """Whether any rule is of this type."""
    return any(each.get("type") == rule_type for key in RULE_LISTS for each in (rule_set or {}).get(key) or ())


def rule_set_fault(rule_set: Json | None) -> str | None:
    """Why the rules cannot be told apart, None if they can: each needs a name of its own in its list."""
    for key in RULE_LISTS:
        names = [each.get("name") for each in (rule_set or {}).get(key) or ()]
        if not all(names):
            return f"a rule in {key} has no name"
        if len(set(names)) < len(names):
            return f"two rules in {key} have the same name"
    return None
