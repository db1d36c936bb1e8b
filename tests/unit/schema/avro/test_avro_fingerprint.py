"""Parsing Canonical Form and fingerprints, with the values of the Avro specification's own examples."""

import hashlib

import pytest

from karapace_like.schema import avro
from karapace_like.schema.avro.fingerprint import crc_64_avro, fingerprint, parsing_canonical_form
from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.model import Strictness


def parse(text: str) -> Parsed:
    return avro.parse(text, {"n.City": '{"type":"record","name":"n.City","fields":[]}'}, Strictness.STRICT)


FORMS = [
    ('{"type":"int","logicalType":"date"}', '"int"'),
    ("[]", "[]"),
    ('[{"type":"null"},"n.City"]', '["null",{"name":"n.City","type":"record","fields":[]}]'),
    ('{"default":[],"type":"array","items":"int"}', '{"type":"array","items":"int"}'),
    ('{"values":"int","type":"map"}', '{"type":"map","values":"int"}'),
    ('{"size":4,"type":"fixed","aliases":["G"],"name":"n.F"}', '{"name":"n.F","type":"fixed","size":4}'),
    (
        '{"default":"A","symbols":["A","B"],"doc":"d","type":"enum","name":"E"}',
        '{"name":"E","type":"enum","symbols":["A","B"]}',
    ),
    (
        (
            '{"type":"error","name":"R","namespace":"n","fields":[{"type":["null","R"],"name":"r","default":null},'
            '{"doc":"d","name":"i","type":{"type":"int"}}]}'
        ),
        '{"name":"n.R","type":"record","fields":[{"name":"r","type":["null","n.R"]},{"name":"i","type":"int"}]}',
    ),
]


@pytest.mark.parametrize(("text", "form"), FORMS, ids=[form for _, form in FORMS])
def test_the_parsing_canonical_form_holds_what_reading_needs(text: str, form: str) -> None:
    assert parsing_canonical_form(parse(text)) == form


@pytest.mark.parametrize(
    ("text", "crc"),
    [('"null"', 7195948357588979594), ('"int"', 8247732601305521295), ('"string"', -8142146995180207161)],
)
def test_crc_64_avro_is_the_specifications(text: str, crc: int) -> None:
    assert crc_64_avro(text.encode()) == crc % 2**64
    assert fingerprint(parse(text), "CRC-64-AVRO") == (crc % 2**64).to_bytes(8, "little")


def test_the_other_fingerprints_are_digests_of_the_form() -> None:
    parsed = parse('{"type":"int","doc":"d"}')
    assert fingerprint(parsed, "MD5") == hashlib.md5(b'"int"').digest()
    assert fingerprint(parsed, "SHA-256") == hashlib.sha256(b'"int"').digest()
