"""One schema in several texts: registries store the same schema in spellings of their own.

Karapace sorts the keys of Avro and JSON texts and keeps what the canonical form leaves out; Redpanda and older
registries have other layouts. Here two texts are compared by their canonical forms, which takes a parser, and before
that by a fingerprint, which is cheap and nearly always equal for spellings of one schema.
"""

import json
import re
import zlib
from collections.abc import Sequence
from typing import Any

from karapace_like.schema.avro.model import PRIMITIVES
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import ParsedSchema, SchemaType

_JSON_TYPES = frozenset({SchemaType.AVRO, SchemaType.JSON})
"""Types whose texts are JSON, of which other registries sort the keys."""
_WORD_BYTES = bytes(byte if chr(byte).isalnum() or byte == 0x5F else 0x20 for byte in range(128)) + b" " * 128
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_LITERAL_OR_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*"?|\'(?:[^\'\\\n]|\\.)*\'?)|//[^\n]*|/\*(?:.*?\*/|.*)', re.DOTALL)
_LONGEST_PRIMITIVE = 1_000
"""Characters of a primitive type in an object up to which its name is recognised."""
_PRIMITIVE = re.compile(r'\s*\{[^[\]{}]*"type"\s*:\s*"(?:' + "|".join(PRIMITIVES) + r')"[^[\]{}]*\}\s*')
_NAME = re.compile(r'"name(?:space)?"\s*:\s*"(?:[^"\\]|\\.)*"')
_COMMON_WORDS = frozenset(
    b"type name namespace order ascending doc record error aliases syntax proto2 proto3 to max".split()
)
"""Words that one spelling may have and another may lack."""


def fingerprint(schema_type: SchemaType, text: str) -> int:
    """Return 32 bits that do not depend on layout, order, comments, escapes, or qualification of names.

    They are a checksum of the set of words: a few microseconds for each thousand characters. Texts with different
    fingerprints are nearly never spellings of one schema; texts with the same one often are, and have to be compared.
    """
    if schema_type is SchemaType.PROTOBUF and ("//" in text or "/*" in text):
        text = _LITERAL_OR_COMMENT.sub(lambda match: match[1] or " ", text)
    if schema_type is SchemaType.AVRO and len(text) <= _LONGEST_PRIMITIVE and _PRIMITIVE.fullmatch(text):
        text = _NAME.sub("", text)  # which the canonical form has not
    if "\\" in text:
        text = _ESCAPE.sub(_unescape, text)
    words = set(text.encode("utf-8", "replace").translate(_WORD_BYTES).split()) - _COMMON_WORDS
    checked = b" ".join(sorted(word for word in words if word[0] > _NINE))
    return zlib.crc32(checked, zlib.crc32(schema_type.encode()))


_NINE = ord("9")


def _unescape(match: re.Match[str]) -> str:
    return chr(int(match[1], 16)) if match[1] else " "


def sort_keys(text: str) -> str:
    """Return a JSON text as Karapace stores it: with the keys of each object sorted, and all that was sent.

    Raises ValueError for a text that is no JSON.
    """
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def is_spelling_of(stored: ParsedSchema, stored_text: str, sent: ParsedSchema, *, normalize: bool) -> bool:
    """Return whether the stored text is another spelling of the schema that a client sends.

    Their canonical texts are equal. The order of keys does not matter where the stored text has all of them sorted,
    since the text then does not show the order in which they came; elsewhere it does, as in Confluent's registry. With
    `normalize`, the normalized texts count where the stored text is not the canonical one, so was stored by another
    registry.
    """
    if stored.type is not sent.type:
        return False
    text_format = FORMATS[stored.type]
    texts = canonical, sent_text = text_format.canonicalise(stored), text_format.canonicalise(sent)
    if canonical == sent_text:
        return True
    is_json = stored.type in _JSON_TYPES
    if is_json and has_sorted_keys(stored_text) and _are_equal_values(*texts):
        return True
    if not normalize or stored_text == canonical:
        return False
    normal_texts = text_format.normalize(stored), text_format.normalize(sent)
    return _are_equal_values(*normal_texts) if is_json else normal_texts[0] == normal_texts[1]


def mean_the_same(one: ParsedSchema, other: ParsedSchema) -> bool:
    """Return whether two stored schemas are one: their canonical or normalized texts differ in the order of keys only.

    The schemas of one id need no more: whoever writes with one of them can be read with the other.
    """
    if one.type is not other.type:
        return False
    text_format = FORMATS[one.type]
    for write in (text_format.canonicalise, text_format.normalize):
        texts = write(one), write(other)
        if texts[0] == texts[1] or (one.type in _JSON_TYPES and _are_equal_values(*texts)):
            return True
    return False


def are_equal_json(schema_type: SchemaType, one: str, other: str) -> bool:
    """Return whether both texts are the same JSON value, without parsing them as schemas; False for Protobuf."""
    return schema_type in _JSON_TYPES and _are_equal_values(one, other)


def has_sorted_keys(text: str) -> bool:
    """Return whether every object of a JSON text has its keys in ascending order; False if the text is no JSON."""
    is_sorted = True

    def note(pairs: Sequence[tuple[str, Any]]) -> None:
        nonlocal is_sorted
        is_sorted = is_sorted and all(pairs[place][0] <= pairs[place + 1][0] for place in range(len(pairs) - 1))

    try:
        json.loads(text, object_pairs_hook=note)
    except (ValueError, RecursionError):
        return False
    return is_sorted


def _are_equal_values(one: str, other: str) -> bool:
    """Whether two JSON texts have equal values; 1 and 1.0 are not, nor are 1 and true."""
    try:
        return _sort(one) == _sort(other)
    except (ValueError, RecursionError):
        return False


def _sort(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
