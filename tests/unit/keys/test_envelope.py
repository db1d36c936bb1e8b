"""Envelope encryption, held against what Confluent's client does with Tink."""

import os

import pytest
from confluent_kafka.schema_registry.rules.encryption.dek_registry import dek_registry_client
from confluent_kafka.schema_registry.rules.encryption.encrypt_executor import Cryptor
from confluent_kafka.schema_registry.rules.encryption.localkms.local_client import LocalKmsClient

from karapace_like.keys import envelope
from karapace_like.keys.envelope import EnvelopeError
from karapace_like.keys.keys import DekAlgorithm
from karapace_like.keys.kms.driver import CiphertextError, KmsMisuseError
from karapace_like.keys.kms.local import LocalKms

TEXTS = [b"", b"a", b"0123456789abcdef", os.urandom(5000)]
SECRET = "s3cret"


def cryptor(algorithm: DekAlgorithm) -> Cryptor:
    return Cryptor(dek_registry_client.DekAlgorithm(algorithm.value))


@pytest.mark.parametrize("algorithm", DekAlgorithm)
def test_keys_and_ciphertexts_are_exchanged_with_tink(algorithm: DekAlgorithm) -> None:
    tink = cryptor(algorithm)
    for key in (envelope.generate_key(algorithm), tink.generate_key()):
        for text in TEXTS:
            assert tink.decrypt(key, envelope.encrypt(algorithm, key, text), b"") == text
            assert envelope.decrypt(algorithm, key, tink.encrypt(key, text, b"")) == text


def test_the_deterministic_cipher_is_deterministic() -> None:
    key = envelope.generate_key(DekAlgorithm.AES256_SIV)
    first, second = (envelope.encrypt(DekAlgorithm.AES256_SIV, key, b"text") for _ in range(2))
    assert first == second == cryptor(DekAlgorithm.AES256_SIV).encrypt(key, b"text", b"")


@pytest.mark.parametrize("algorithm", DekAlgorithm)
def test_what_was_changed_is_refused(algorithm: DekAlgorithm) -> None:
    key, other = envelope.generate_key(algorithm), envelope.generate_key(algorithm)
    text = envelope.encrypt(algorithm, key, b"text")
    for at in range(len(text)):
        with pytest.raises(EnvelopeError):
            envelope.decrypt(algorithm, key, text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        with pytest.raises(EnvelopeError):
            envelope.decrypt(algorithm, key, text[:at])
    with pytest.raises(EnvelopeError):
        envelope.decrypt(algorithm, other, text)


@pytest.mark.parametrize("algorithm", DekAlgorithm)
def test_a_key_has_exactly_its_form(algorithm: DekAlgorithm) -> None:
    key = envelope.generate_key(algorithm)
    others = [envelope.generate_key(other) for other in DekAlgorithm if other is not algorithm]
    for wrong in (b"", key[:-1], key + b"\0", key[2:], *others):
        with pytest.raises(EnvelopeError, match="bytes are expected"):
            envelope.encrypt(algorithm, wrong, b"text")


def test_a_version_precedes_the_ciphertext() -> None:
    assert envelope.add_version(b"x", 258) == b"\0\0\0\1\2x"
    assert envelope.split_version(b"\0\0\0\1\2x") == (258, b"x")
    for wrong in (b"", b"\0\0\0\1", b"\1\0\0\0\1x"):
        with pytest.raises(EnvelopeError):
            envelope.split_version(wrong)


def test_the_local_kms_is_that_of_the_client() -> None:
    theirs, ours, properties = LocalKmsClient(SECRET).get_aead(""), LocalKms(), {"secret": SECRET}
    assert theirs.decrypt(ours.wrap("", properties, b"key"), b"") == b"key"
    assert ours.unwrap("", properties, theirs.encrypt(b"key", b"")) == b"key"
    with pytest.raises(CiphertextError):
        ours.unwrap("", {"secret": "other"}, theirs.encrypt(b"key", b""))
    with pytest.raises(KmsMisuseError):
        ours.wrap("", {}, b"key")
