"""The content of a schema id: a text with its type, references, metadata and rules, and the guid of all of them.

Metadata and rule sets are kept as the JSON objects that they are, so that parts that this version does not know
survive; the functions here say how they are merged and hashed.
"""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from karapace_like.schema.model import Reference, SchemaType, UnparsedSchema

if TYPE_CHECKING:
    from hashlib import _Hash

Json = Mapping[str, Any]

DIGEST_BYTES = 16
LONG_CHARACTERS = 50_000
"""Of a text whose digest or fingerprint, computed again for every step of a request, would stall the event loop."""

VERSION_PROPERTY = "confluent:version"
"""The metadata property that records the version which a request asked for."""
RESERVED_PROPERTY = "confluent:reserved"
"""The metadata property that names, separated by commas, fields which the schema must not have at its top."""
_FIELDS = ("tags", "properties", "sensitive", "migrationRules", "domainRules", "encodingRules", "enableAt")
"""Of metadata and rule sets, in the order in which they are written."""
_TAGS = "tags"
RULE_LISTS = ("migrationRules", "domainRules", "encodingRules")


class Content(msgspec.Struct, frozen=True, eq=False, gc=False, array_like=True):
    """One immutable schema as it is stored; equal contents share one id within a context.

    A Struct, as the other things of which there is one for every schema, because it is small and quickly made; the
    garbage collector does not look at it, because nothing in it leads back to it. `msgspec.structs.replace` would keep
    the digest: make a new one.
    """

    type: SchemaType
    text: str
    references: tuple[Reference, ...] = ()
    metadata: Json | None = None
    rule_set: Json | None = None
    known_digest: bytes = b""
    """The digest, once it was asked for."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Content) or not self.same_schema(other):
            return False
        if self.metadata is self.rule_set is other.metadata is other.rule_set is None:
            return True
        return self.digest == other.digest

    def __ne__(self, other: object) -> bool:
        return not self == other  # a Struct has a __ne__ of its own

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> str | bytes:
        """The text, or the digest where there is more than a text: equal contents have the same, others seldom.

        So nearly all contents are found without an MD5, which takes longer than all else that is done to store one.
        """
        if self.references or self.metadata is not None or self.rule_set is not None:
            return self.digest
        return self.text

    @property
    def digest(self) -> bytes:
        """MD5 over all of it: 16 bytes that are equal for equal contents in every context and registry.

        It distinguishes neither types, nor where a reference's name ends and its subject begins. Computed once.
        """
        if not self.known_digest:
            msgspec.structs.force_setattr(self, "known_digest", self.hash_parts())
        return self.known_digest

    @property
    def schema(self) -> UnparsedSchema:
        """The part that a parser needs."""
        return UnparsedSchema(self.type, self.text, self.references)

    @property
    def guid(self) -> str:
        """The digest as the API shows it."""
        return str(uuid.UUID(bytes=self.digest))

    @property
    def attachments(self) -> dict[str, Any]:
        """The references, metadata and rule set, as JSON in the API and the topic; without those that are None."""
        references: Sequence[Any] = self.references
        if any(not reference.name for reference in references):  # Confluent's registry leaves an empty name out
            references = [_write_reference(reference) for reference in references]
        fields = {"references": references or None, "metadata": self.metadata, "ruleSet": self.rule_set}
        return {name: value for name, value in fields.items() if value is not None}

    def has_same_parts(self, other: "Content") -> bool:
        """Whether the two differ at most in their texts and the order of their references."""
        return (
            self.type is other.type
            and (self.metadata, self.rule_set) == (other.metadata, other.rule_set)
            and self.refers_to_same(other)
        )

    def refers_to_same(self, other: "Content") -> bool:
        """Whether the references are the same, in whatever order."""
        return self.references == other.references or set(self.references) == set(other.references)

    def same_schema(self, other: "Content") -> bool:
        """Whether the two differ at most in metadata and rules."""
        return self.type is other.type and self.text == other.text and self.references == other.references

    def hash_parts(self) -> bytes:
        """Compute the digest, and do not keep it: for those who need that of every content."""
        digest = _hash_long_text(self.text).copy() if len(self.text) > LONG_CHARACTERS else _hash_text(self.text)
        for reference in self.references:
            digest.update(f"{reference.name}{reference.subject}".encode())
            digest.update(reference.version.to_bytes(4, "big", signed=True))
        for part in (self.metadata, self.rule_set):
            if part is not None:
                digest.update(b"\x01")
                digest.update(msgspec.json.encode(part, order="deterministic"))
        return digest.digest()


def _hash_text(text: str) -> "_Hash":
    return hashlib.md5(text.encode(), usedforsecurity=False)


_hash_long_text = lru_cache(maxsize=4)(_hash_text)
"""5 MB take 7 ms, and a registration makes contents of its text a dozen times. Few, because each holds its text."""


def _write_reference(reference: Reference) -> dict[str, Any]:
    name = {"name": reference.name} if reference.name else {}
    return {**name, "subject": reference.subject, "version": reference.version}


class _Metadata(msgspec.Struct):
    """The known members of metadata; other members may be anything."""

    tags: dict[str, list[str]] | None = None
    properties: dict[str, str | int | float | bool | None] | None = None
    sensitive: list[str] | None = None


class _Rule(msgspec.Struct):
    name: str | None = None
    type: str | None = None
    tags: list[str] | None = None
    params: dict[str, Any] | None = None


class _RuleSet(msgspec.Struct, rename="camel"):
    migration_rules: list[_Rule] | None = None
    domain_rules: list[_Rule] | None = None
    encoding_rules: list[_Rule] | None = None


def check_metadata(metadata: Json | None) -> None:
    """Raise msgspec.ValidationError for metadata of others that the functions here could not work on."""
    msgspec.convert(metadata, _Metadata | None)


def check_rule_set(rule_set: Json | None) -> None:
    """Raise msgspec.ValidationError for rules of others that the functions here could not work on."""
    msgspec.convert(rule_set, _RuleSet | None)


def merge(default: Json | None, own: Json | None, override: Json | None) -> Json | None:
    """default, then own, then override: the later of two properties, paths of tags and rules of one name wins.

    What is sensitive in any of them is sensitive. {} is not None.
    """
    layers = [layer for layer in (default, own, override) if layer is not None]
    if len(layers) <= 1:
        return layers[0] if layers else None
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            below = result.get(name)
            if name == _TAGS and isinstance(below, Mapping) and isinstance(value, Mapping):
                result[name] = {**below, **value}
            else:
                result[name] = _join(below, value)
    in_order = {name: result[name] for name in _FIELDS if name in result}
    return {**in_order, **result}


def _join(below: Any, above: Any) -> Any:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {name: _join(below.get(name), above.get(name)) for name in sorted({*below, *above})}
    if isinstance(below, list) and isinstance(above, list):
        if all(isinstance(member, str) for member in (*below, *above)):
            return sorted({*below, *above})
        names = [
            member.get("name") for member in above if isinstance(member, Mapping)
        ]  # of members not known: anything
        return [
            *(member for member in below if not isinstance(member, Mapping) or member.get("name") not in names),
            *above,
        ]
    return below if above is None else above


def metadata_property(metadata: Json | None, name: str) -> str | None:
    """One property's value, None if it is not set."""
    value = ((metadata or {}).get("properties") or {}).get(name)
    return None if value is None else str(value)


def with_property(metadata: Json | None, name: str, value: str) -> Json:
    """The metadata with one property set."""
    properties = dict((metadata or {}).get("properties") or {})
    properties[name] = value
    return {**(metadata or {}), "properties": dict(sorted(properties.items()))}


def same_but_for_number(sent: Content, stored: Content, number: int) -> bool:
    """Whether the two differ in nothing but that one of them has the kept one's version number in its metadata."""
    if not sent.same_schema(stored) or sent.rule_set != stored.rule_set:
        return False
    numbers = [metadata_property(content.metadata, VERSION_PROPERTY) for content in (sent, stored)]
    if numbers[0] is None and numbers[1] is not None:
        return with_property(sent.metadata, VERSION_PROPERTY, numbers[1]) == stored.metadata
    if numbers == [str(number), None]:
        return with_property(stored.metadata, VERSION_PROPERTY, str(number)) == sent.metadata
    return False


def without_rules(rule_set: Json | None, names: Collection[str]) -> Json | None:
    """The rule set without the rules of these names."""
    if rule_set is None:
        return None
    remaining = {
        key: [rule for rule in rule_set[key] if rule.get("name") not in names]
        for key in RULE_LISTS
        if rule_set.get(key)
    }
    return {**rule_set, **remaining}


def has_rule_of_type(rule_set: Json | None, rule_type: str) -> bool:
    """Whether any rule is of this type."""
    return any(rule.get("type") == rule_type for key in RULE_LISTS for rule in (rule_set or {}).get(key) or ())


def rule_set_fault(rule_set: Json | None) -> str | None:
    """Return why the rules cannot be distinguished, None if they can: each needs a name of its own in the whole set."""
    names: set[str] = set()
    for key in RULE_LISTS:
        for rule in (rule_set or {}).get(key) or ():
            name = rule.get("name")
            if not name:
                return f"a rule in {key} has no name"
            if name in names:
                return f"two rules have the name {name!r}, the second one in {key}"
            names.add(name)
    return None
