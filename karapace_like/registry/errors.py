"""Every refusal of the registry: one constructor per condition, with Confluent's codes and sentences.

Source: Confluent Schema Registry API reference, "Errors". The spelling is the wire's, also where it is odd.
"""

from collections.abc import Sequence

from karapace_like.errors import ApiError
from karapace_like.replication.errors import BUSY
from karapace_like.schema.model import SchemaType

UNPROCESSABLE = 422
"""The HTTP status of refusals that are about a schema, whatever the state is."""


class RegistryError(ApiError):
    """A refusal by the registry."""


class RejectedSchemaError(RegistryError):
    """The text is no schema, or refers to what is not registered."""


class IncompatibleSchemaError(RegistryError):
    """The new schema breaks the subject's compatibility level."""


def subject_not_found_error(subject: str) -> RegistryError:
    return RegistryError(40401, f"Subject '{subject}' not found.")


def version_not_found_error(version: int) -> RegistryError:
    return RegistryError(40402, f"Version {version} not found.")


def schema_not_found_error(identity: int | str | None = None) -> RegistryError:
    return RegistryError(40403, "Schema not found" if identity is None else f"Schema {identity} not found")


def subject_soft_deleted_error(subject: str) -> RegistryError:
    return RegistryError(40404, f"Subject '{subject}' was soft deleted.Set permanent=true to delete permanently")


def subject_not_soft_deleted_error(subject: str) -> RegistryError:
    return RegistryError(40405, f"Subject '{subject}' was not deleted first before being permanently deleted")


def version_soft_deleted_error(subject: str, version: int) -> RegistryError:
    return RegistryError(
        40406, f"Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently"
    )


def version_not_soft_deleted_error(subject: str, version: int) -> RegistryError:
    return RegistryError(
        40407, f"Subject '{subject}' Version {version} was not deleted first before being permanently deleted"
    )


def no_subject_compatibility(subject: str) -> RegistryError:
    return RegistryError(40408, f"Subject '{subject}' does not have subject-level compatibility configured")


def no_subject_mode(subject: str) -> RegistryError:
    return RegistryError(40409, f"Subject '{subject}' does not have subject-level mode configured")


def different_types(old: SchemaType, new: SchemaType) -> RegistryError:
    return RegistryError(
        UNPROCESSABLE, f"The old schema is {old} and the new one is {new}; expected: two schemas of one type."
    )


def malformed_query(fault: str, expected: str) -> RegistryError:
    return RegistryError(400, f"The search {fault}; expected: {expected}.")


def too_many_searches() -> RegistryError:
    return RegistryError(BUSY, "Too many searches are running at the moment; retry later.", status=503, retry_after=1)


def malformed_context() -> RegistryError:
    return RegistryError(400, "Context name cannot contain a colon")


def association_not_found_error(resource_id: str) -> RegistryError:
    return RegistryError(40410, f"Association of the resource '{resource_id}' not found.")


def association_exists(association_type: str, resource: str) -> RegistryError:
    return RegistryError(
        40903,
        f"An association of the type '{association_type}' with other properties already exists for the resource "
        f"'{resource}'. Update it by PUT, or delete it first.",
    )


def association_for_subject_exists(subject: str) -> RegistryError:
    return RegistryError(
        40904, f"An association exists for the subject '{subject}'. Delete it by DELETE /associations/resources first."
    )


def strong_association_for_subject_exists(subject: str) -> RegistryError:
    return RegistryError(
        40905, f"A strong association exists for the subject '{subject}', which no other resource can use."
    )


def no_active_subject(subject: str) -> RegistryError:
    return RegistryError(
        40907, f"The subject '{subject}' has no version that is not deleted, which an association needs."
    )


def last_version_in_use(subject: str) -> RegistryError:
    return RegistryError(
        40907, f"The subject '{subject}' has associations, which need its last version. Delete them first."
    )


def association_is_frozen(association_type: str, resource: str) -> RegistryError:
    return RegistryError(
        40908,
        f"The association of the type '{association_type}' of the resource '{resource}' is frozen: it cannot change, "
        "and is deleted with cascadeLifecycle=true only.",
    )


def invalid_association(name: str, detail: str) -> RegistryError:
    """`name` is the property's."""
    return RegistryError(42212, f"invalid value for property: '{name}', detail: {detail}")


def incompatible_schema(subject: str, details: Sequence[str]) -> RegistryError:
    """`details` show the earlier schema: leave them out for a caller who may not read it."""
    return IncompatibleSchemaError(
        40901,
        f'Schema being registered is incompatible with an earlier schema for subject "{subject}", details: '
        f"[{', '.join(details)}]",
    )


def invalid_schema(schema_type: str, details: str) -> RegistryError:
    return RejectedSchemaError(42201, f"Invalid schema of type {schema_type}, details: {details}")


def missing_reference(schema_type: str, subject: str, version: int) -> RegistryError:
    return invalid_schema(
        schema_type,
        f"Invalid schema of type {schema_type}, details: No schema reference found for subject "
        f'"{subject}" and version {version}',
    )


def invalid_reference(schema_type: str, place: int, reason: str) -> RegistryError:
    """`place` counts from 0, `reason` is what is wrong with a member of the reference."""
    return invalid_schema(schema_type, f"references[{place}] {reason}")


def explicit_only(subject: str) -> RegistryError:
    return RegistryError(
        403, f"New schemas of subject '{subject}' are not taken from producers; explicit=true registers one"
    )


def invalid_schema_type(spelled: str) -> RegistryError:
    return RegistryError(42201, f"Invalid schema type {spelled}; expected {', '.join(SchemaType)}")


def unknown_entity(reason: str) -> RegistryError:
    return RegistryError(42201, reason)


def empty_schema() -> RegistryError:
    return RegistryError(42201, "Empty schema: the field schema must hold the text of the schema as a string")


def version_not_next() -> RegistryError:
    return RegistryError(42201, "Version is not one more than previous version")


def invalid_version(spelled: str) -> RegistryError:
    return RegistryError(
        42202,
        f"The specified version '{spelled}' is not a valid version id. "
        'Allowed values are between [1, 2^31-1] and the string "latest"',
    )


def invalid_compatibility(spelled: str) -> RegistryError:
    return RegistryError(
        42203,
        f"Invalid compatibility level {spelled!r}. Valid values are none, backward, forward, full, "
        "backward_transitive, forward_transitive, and full_transitive",
    )


def invalid_mode(spelled: str) -> RegistryError:
    return RegistryError(42204, f"Invalid mode {spelled!r}. Valid values are READWRITE, READONLY, IMPORT and FORWARD.")


def forward_mode_not_global() -> RegistryError:
    return RegistryError(42204, "Forward mode only supported on global level")


def not_permitted_error(subject: str, context: str, condition: str) -> RegistryError:
    """`condition` is one of "is in read-only mode", "is not in import mode", "is not in read-write mode"."""
    return RegistryError(42205, f"Subject {subject} in context {context} {condition}")


def import_into_existing_subjects() -> RegistryError:
    return RegistryError(42205, "Cannot import since found existing subjects")


def mode_changes_not_allowed_error() -> RegistryError:
    return RegistryError(42205, "Mode changes are not allowed")


def overwrite_not_permitted_error(schema_id: int, context: str) -> RegistryError:
    return RegistryError(42205, f"Overwrite new schema with id {schema_id} in context {context} is not permitted.")


def no_id_left_error(context: str, last: int) -> RegistryError:
    return RegistryError(42205, f"Schemas cannot be registered in context {context}: ids up to {last} are taken")


def no_version_left_error(subject: str, last: int) -> RegistryError:
    return RegistryError(42205, f"No version can be added to subject {subject}: it has the number {last}, the last one")


def strong_subject_referenced_error(subject: str) -> RegistryError:
    return RegistryError(
        42206,
        f"The subject '{subject}' has a strong association and belongs to its resource alone: "
        "no schema of another subject can refer to it",
    )


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


def too_many_schemas() -> RegistryError:
    return RegistryError(
        BUSY,
        "Too many large schemas are being processed at the moment. Nothing was written; retry later.",
        status=503,
        retry_after=1,
    )


def engine_lost_error() -> RegistryError:
    return RegistryError(
        BUSY,
        "The process that works on large schemas has ended unexpectedly. Nothing was written; it is safe to retry.",
        status=503,
        retry_after=1,
    )
