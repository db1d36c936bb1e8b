"""The errors of the DEK registry, one constructor for each condition, with Confluent's codes and sentences.

No message holds a property of a KMS or key material.
"""

from karapace_like.errors import ApiError

KEY_EXISTS = 40971


class DekRegistryError(ApiError):
    """A refusal by the DEK registry."""


class KmsError(DekRegistryError):
    """The KMS has refused, or cannot be reached."""


def key_not_found_error(name: str) -> DekRegistryError:
    """`name` is that of a KEK, or the subject of a DEK."""
    return DekRegistryError(40470, f"Key '{name}' not found")


def not_soft_deleted_error(name: str) -> DekRegistryError:
    return DekRegistryError(40471, f"Key '{name}' was not deleted first before being permanently deleted")


def kek_needs_restoration(name: str) -> DekRegistryError:
    return DekRegistryError(40472, f"Key '{name}' must be undeleted first")


def key_exists(name: str) -> DekRegistryError:
    return DekRegistryError(KEY_EXISTS, f"Key '{name}' already exists")


def too_many_keys(limit: int) -> DekRegistryError:
    return DekRegistryError(40972, f"Too many keys: there are more than {limit} (dek_registry_max_keys)")


def invalid_key(field: str, detail: str = "") -> DekRegistryError:
    """`detail` is a clause that says what was expected."""
    hint = f": {detail}" if detail else ""
    return DekRegistryError(42271, f"Invalid or missing value for field '{field}' of key{hint}")


def references_exist(name: str) -> DekRegistryError:
    return DekRegistryError(42272, f"One or more references exist to key '{name}': delete its DEKs first")


def invalid_version(spelled: str) -> DekRegistryError:
    return DekRegistryError(
        42202,
        f"The specified version '{spelled}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"',
    )


def kms_failure(action: str, subject: str, reason: str) -> KmsError:
    """`action` is what could not be done, such as "generate encrypted dek"."""
    return KmsError(50070, f"Could not {action} for {subject}: {reason}")


def kms_refusal(action: str, subject: str, reason: str) -> KmsError:
    return KmsError(40370, f"Could not {action} for {subject}: {reason}")


def unavailable(reason: str) -> DekRegistryError:
    return DekRegistryError(
        503, f"The DEK registry is not available, and schemas are served without it: {reason}", retry_after=1
    )
