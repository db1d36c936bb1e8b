"""Every refusal of the registry: one constructor per condition, with the reference registry's codes and sentences.

Source: Confluent Schema Registry API reference, "Errors". The spelling is the wire's, also where it is odd.
"""

from karapace_like.errors import ApiError


class RegistryError(ApiError):
    """A refusal by the registry."""


class IncompatibleSchemaError(RegistryError):
    """The new schema breaks the subject's compatibility level."""


def subject_not_found(subject: str) -> RegistryError:
    return RegistryError(40401, f"Subject '{subject}' not found.")


def version_not_found(version: int) -> RegistryError:
    return RegistryError(40402, f"Version {version} not found.")


def schema_not_found(identity: int | str | None = None) -> RegistryError:
    return RegistryError(40403, "Schema not found" if identity is None else f"Schema {identity} not found")


def subject_soft_deleted(subject: str) -> RegistryError:
    return RegistryError(40404, f"Subject '{subject}' was soft deleted.Set permanent=true to delete permanently")


def subject_not_soft_deleted(subject: str) -> RegistryError:
    return RegistryError(40405, f"Subject '{subject}' was not deleted first before being permanently deleted")


def version_soft_deleted(subject: str, version: int) -> RegistryError:
    return RegistryError(
        40406, f"Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently"
    )


def version_not_soft_deleted(subject: str, version: int) -> RegistryError:
    return RegistryError(
        40407, f"Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
    )


def no_subject_compatibility(subject: str) -> RegistryError:
    return RegistryError(40408, f"Subject '{subject}' does not have subject-level compatibility configured")


def no_subject_mode(subject: str) -> RegistryError:
    return RegistryError(40409, f"Subject '{subject}' does not have subject-level mode configured")


def malformed_context() -> RegistryError:
    return RegistryError(400, "Context name cannot contain a colon")


def incompatible_schema(subject: str, details: str) -> RegistryError:
    return IncompatibleSchemaError(
        40901,
        f'Schema being registered is incompatible with an earlier schema for subject "{subject}", details: {details}',
    )


def invalid_schema(schema_type: str, details: str) -> RegistryError:
    return RegistryError(42201, f"Invalid schema of type {schema_type}, details: {details}")


def missing_reference(schema_type: str, subject: str, version: int) -> RegistryError:
    return invalid_schema(
        schema_type,
        f"Invalid schema of type {schema_type}, details: No schema reference found for subject "
        f'"{subject}" and version {version}',
    )


def explicit_only(subject: str) -> RegistryError:
    return RegistryError(
        403, f"New schemas of subject '{subject}' are not taken from producers; explicit=true registers one"
    )


def invalid_schema_type(spelled: str) -> RegistryError:
    return RegistryError(42201, f"Invalid schema type {spelled}")


def unknown_entity(reason: str) -> RegistryError:
    return RegistryError(42201, reason)


def empty_schema() -> RegistryError:
    return RegistryError(42201, "Empty schema")


def version_not_next() -> RegistryError:
    return RegistryError(42201, "Version is not one more than previous version")


def invalid_version(spelled: str) -> RegistryError:
    return RegistryError(
        42202,
        f"The specified version '{spelled}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"',
    )


def invalid_compatibility() -> RegistryError:
    return RegistryError(
        42203,
        "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, "
        "forward_transitive, and full_transitive",
    )


def invalid_mode() -> RegistryError:
    return RegistryError(42204, "Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.")


def forward_mode_not_global() -> RegistryError:
    return RegistryError(42204, "Forward mode only supported on global level")


def not_permitted(subject: str, context: str, condition: str) -> RegistryError:
    """`condition` is one of "is in read-only mode", "is not in import mode", "is not in read-write mode"."""
    return RegistryError(42205, f"Subject {subject} in context {context} {condition}")


def import_into_existing_subjects() -> RegistryError:
    return RegistryError(42205, "Cannot import since found existing subjects")


def mode_changes_not_allowed() -> RegistryError:
    return RegistryError(42205, "Mode changes are not allowed")


def overwrite_not_permitted(schema_id: int, context: str) -> RegistryError:
    return RegistryError(42205, f"Overwrite new schema with id {schema_id} in context {context} is not permitted.")


def no_id_left(context: str, last: int) -> RegistryError:
    return RegistryError(42205, f"Schemas cannot be registered in context {context}: ids up to {last} are taken")


def reference_exists(subject: str, version: int) -> RegistryError:
    return RegistryError(
        42206,
        f"One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}.",
    )


def invalid_subject(subject: str) -> RegistryError:
    return RegistryError(42208, f"The specified subject '{subject}' is not a valid.")


def schema_too_large() -> RegistryError:
    return RegistryError(42209, "Register operation failed because schema is too large")


def invalid_rule_set(reason: str) -> RegistryError:
    return RegistryError(42210, f"Invalid rule set: {reason}")


def context_not_empty(context: str) -> RegistryError:
    return RegistryError(42211, f"The specified context '{context}' is not empty.")


def too_many_writes() -> RegistryError:
    return RegistryError(
        42901, "Too many requests: there are too many writes at the moment. Nothing was written.", retry_after=1
    )


def store_failure(reason: str, *, retriable: bool = False) -> RegistryError:
    message = f"Error while writing to the schemas topic: {reason}"
    return RegistryError(50001, message, retry_after=1 if retriable else None)


class OutcomeUnknownError(RegistryError):
    """The records may be in the topic or not; repeating a registration is safe, because it is idempotent."""

    def __init__(self, reason: str) -> None:
        message = f"The outcome of the write is not known yet: {reason}. It is safe to retry."
        super().__init__(50002, message, retry_after=1)


FORWARDING_FAILED = 50003


def forwarding_failed(reason: str) -> RegistryError:
    return RegistryError(
        FORWARDING_FAILED,
        f"Error while forwarding the request to the primary: {reason}. It is safe to retry.",
        status=503,
        retry_after=1,
    )


def leader_not_known(reason: str) -> RegistryError:
    return RegistryError(50004, f"Leader not known. {reason}", status=503, retry_after=1)


class NotPrimaryError(RegistryError):
    """This node does not write. Whoever can reach the primary may ask it instead."""

    def __init__(self, *, is_outcome_known: bool = True) -> None:
        super().__init__(50004, "Leader not known. This node is not the primary.", status=503, retry_after=1)
        self.is_outcome_known = is_outcome_known
        """Whether nothing was written; if not, the write was broken off, and may be in the topic."""


def topic_lost(reason: str) -> RegistryError:
    return RegistryError(50001, f"{reason} This node serves no schemas until an operator restarts it.", status=503)


def not_ready(position: int, end: int | None) -> RegistryError:
    """`position` and `end` are offsets in the schemas topic."""
    progress = "has not reached Kafka yet" if end is None else f"is at offset {position} of {end}"
    return RegistryError(503, f"The registry is still reading its schemas from Kafka and {progress}.", retry_after=1)
