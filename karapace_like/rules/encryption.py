"""Rules of the types ENCRYPT and ENCRYPT_PAYLOAD: fields, or whole payloads, encrypted with data encryption keys.

Rules run without waiting, so they are given the keys. `MissingKeyError` asks for one; then the rules run again.
Source: Confluent's client libraries, whose bytes these are.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from karapace_like.keys import envelope
from karapace_like.keys.envelope import EnvelopeError
from karapace_like.keys.keys import DEFAULT_ALGORITHM, LATEST_VERSION, DekAlgorithm
from karapace_like.keys.rules import MAX_VERSION
from karapace_like.rules.errors import HeavyRuleError, RuleEvaluationError
from karapace_like.rules.fields import Field
from karapace_like.rules.model import Rule, RuleKind, RuleMode

FIELDS: Final = "ENCRYPT"
PAYLOAD: Final = "ENCRYPT_PAYLOAD"
REDACTED: Final = "<REDACTED>"
"""Takes the place of a field that is not shown."""
_KEK_NAME: Final = "encrypt.kek.name"
_KMS_TYPE: Final = "encrypt.kms.type"
_KMS_KEY_ID: Final = "encrypt.kms.key.id"
_ALGORITHM: Final = "encrypt.dek.algorithm"
_EXPIRY_DAYS: Final = "encrypt.dek.expiry.days"
_FIRST_VERSION: Final = 1
_MAX_EXPIRY_DAYS: Final = 1_000_000


class EncryptionParameters(msgspec.Struct, frozen=True, array_like=True):
    """What a rule says about its keys."""

    kek_name: str
    kms_type: str | None
    """That of the KEK; None: whichever it has."""
    kms_key_id: str | None
    algorithm: DekAlgorithm
    expiry_days: int
    """Days after which a DEK gets a successor; 0: never. Otherwise ciphertexts begin with the version of their DEK."""


class KeyNeed(msgspec.Struct, frozen=True, array_like=True):
    """A DEK of the schema's subject that a rule needs."""

    parameters: EncryptionParameters
    version: int
    """LATEST_VERSION: the newest one that has not expired."""


class DataKey(msgspec.Struct, frozen=True, array_like=True):
    """A DEK in the clear, or why there is none."""

    version: int = 0
    material: bytes = b""
    """The key as `envelope` takes it."""
    fault: str | None = None
    """Why the rule fails."""
    is_denied: bool = False
    """Whether the fault is that the caller may not use the key: then `onFailure` does not decide."""
    is_redacted: bool = False
    """Whether the field is shown as `REDACTED`, for a caller who may not use the key."""

    def __repr__(self) -> str:
        return f"<version {self.version} of a key>"


Keys = Mapping[KeyNeed, DataKey]
NO_KEYS: Keys = {}


class MissingKeyError(HeavyRuleError):
    """A rule needs a key that it was not given."""

    def __init__(self, need: KeyNeed) -> None:
        super().__init__()
        self.need = need


class DeniedKeyError(RuleEvaluationError):
    """The caller may not use the key."""


class Encryption:
    """A rule of these types, compiled."""

    def __init__(self, rule: Rule, properties: Mapping[str, str]) -> None:
        """Raises RuleEvaluationError for parameters that cannot be used."""
        if rule.kind != RuleKind.TRANSFORM:
            raise RuleEvaluationError(f"a rule of the type {rule.type} has the kind {RuleKind.TRANSFORM}")
        self.parameters = read_parameters(rule, properties)

    def weigh(self, size: int) -> float:
        """Return the size: encryption takes a few microseconds for each field."""
        return float(size)

    def evaluate(self, _: Any) -> Any:
        """Raise RuleEvaluationError: a rule of encryption runs by `transform`, with keys."""
        raise RuleEvaluationError("a rule of encryption is no expression")

    def transform(self, data: bytes, mode: RuleMode, keys: Keys) -> bytes | None:
        """Return the data encrypted or, on reading, decrypted; None where it is redacted.

        Raises RuleEvaluationError and MissingKeyError.
        """
        if mode is RuleMode.WRITE:
            key = self._find_key(LATEST_VERSION if self._is_versioned else _FIRST_VERSION, keys)
            if key is None:
                return None
            ciphertext = self._run(envelope.encrypt, key, data)
            return envelope.add_version(ciphertext, key.version) if self._is_versioned else ciphertext
        version = _FIRST_VERSION
        if self._is_versioned:
            try:
                version, data = envelope.split_version(data)
            except EnvelopeError as error:
                raise RuleEvaluationError(str(error)) from error
            if not 0 < version <= MAX_VERSION:
                raise RuleEvaluationError("the ciphertext does not begin with the version of its key")
        key = self._find_key(version, keys)
        return None if key is None else self._run(envelope.decrypt, key, data)

    @property
    def _is_versioned(self) -> bool:
        return self.parameters.expiry_days > 0

    def _find_key(self, version: int, keys: Keys) -> DataKey | None:
        need = KeyNeed(self.parameters, version)
        key = keys.get(need)
        if key is None:
            raise MissingKeyError(need)
        if key.fault is not None:
            raise DeniedKeyError(key.fault) if key.is_denied else RuleEvaluationError(key.fault)
        return None if key.is_redacted else key

    def _run(self, cipher: Any, key: DataKey, data: bytes) -> bytes:
        try:
            result: bytes = cipher(self.parameters.algorithm, key.material, data)
        except EnvelopeError as error:
            raise RuleEvaluationError(str(error)) from error
        return result


class FieldCipher:
    """Encrypts, or decrypts, the fields that a rule is for."""

    def __init__(self, rule: Rule, encryption: Encryption, mode: RuleMode, keys: Keys) -> None:
        self._tags = rule.tags
        self._encryption = encryption
        self._mode = mode
        self._keys = keys

    def visit(self, field: Field, kind: str, value: Any) -> Any:
        """Return the native value of the field after the rule; raises as `Encryption.transform`."""
        if value is None or kind not in _PRIMITIVE or (self._tags and self._tags.isdisjoint(field.tags)):
            return value
        try:
            return self._transform(kind, value)
        except DeniedKeyError:
            raise
        except RuleEvaluationError as error:
            raise RuleEvaluationError(f"{error} (field {field.full_name} of type {kind})") from error

    def _transform(self, kind: str, value: Any) -> Any:
        is_writing = self._mode is RuleMode.WRITE
        if kind == "BYTES" and isinstance(value, bytes):
            result = self._encryption.transform(value, self._mode, self._keys)
            return REDACTED.encode() if result is None else result
        if kind != "STRING" or not isinstance(value, str):
            if is_writing:
                raise RuleEvaluationError("only texts and bytes can be encrypted")
            return value
        result = self._encryption.transform(_encode(value) if is_writing else _open(value), self._mode, self._keys)
        if result is None:
            return REDACTED
        if is_writing:
            return base64.b64encode(result).decode()
        try:
            return result.decode()
        except UnicodeDecodeError as error:
            raise RuleEvaluationError("the decrypted bytes are no text") from error


_PRIMITIVE = frozenset({"STRING", "BYTES", "INT", "LONG", "FLOAT", "DOUBLE", "BOOLEAN"})


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise RuleEvaluationError("the text has half of a surrogate pair") from error


def _open(text: str) -> bytes:
    """Return the ciphertext of a text."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RuleEvaluationError("the text is not base64, as an encrypted one is") from error


def read_parameters(rule: Rule, properties: Mapping[str, str]) -> EncryptionParameters:
    """Return the parameters of a rule, or of its schema's metadata; raises RuleEvaluationError."""
    kek_name = rule.parameter(_KEK_NAME, properties)
    if not kek_name:
        raise RuleEvaluationError(f"it names no key: its parameter {_KEK_NAME} is missing")
    named = rule.parameter(_ALGORITHM, properties) or DEFAULT_ALGORITHM
    if named not in DekAlgorithm.__members__:
        raise RuleEvaluationError(f"{_ALGORITHM} is {named!r}; expected {', '.join(DekAlgorithm)}")
    return EncryptionParameters(
        kek_name,
        rule.parameter(_KMS_TYPE, properties) or None,
        rule.parameter(_KMS_KEY_ID, properties) or None,
        DekAlgorithm(named),
        _read_days(rule.parameter(_EXPIRY_DAYS, properties)),
    )


def _read_days(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdigit() and len(text) < len(str(_MAX_EXPIRY_DAYS))):
        raise RuleEvaluationError(f"{_EXPIRY_DAYS} is {text!r}; expected a number of days below {_MAX_EXPIRY_DAYS:,}")
    return int(text)
