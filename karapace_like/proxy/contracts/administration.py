"""Check a policy before it is set: what it refers to exists, and it would not make its topics unwritable."""

from http import HTTPStatus

from karapace_like.errors import ApiError
from karapace_like.policies import errors, names
from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.policy import PartPolicy, Plain, TopicPolicy
from karapace_like.policies.store import PolicyStore
from karapace_like.proxy.contracts.choosing import ChosenSchema, choose_schema, find_subject
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.ruled_codec import RuledCodec
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.topics import Topics
from karapace_like.schema.model import LATEST, InvalidSchemaError, SchemaType


class PolicyAdministration:
    """Checks policies. Every call raises InvalidPolicyError (422) for one that cannot be used, or another ApiError."""

    def __init__(self, schemas: SchemaCache, internal: InternalResources) -> None:
        self._schemas = schemas
        self._internal = internal

    def check_name(self, name: str) -> None:
        """Check the name that a policy is to have."""
        if not names.is_name(name):
            raise errors.invalid_name(name)
        if not names.is_prefix(name) and self._internal.is_internal_topic(name):
            raise InvalidPolicyError(f"The topic {name} is internal: no client writes to it, and it has no policy.")

    async def check(self, name: str, policy: TopicPolicy, rights: SubjectRights, topics: Topics | None) -> None:
        """Check a policy under its name with the rights of the caller; `topics` is None where Kafka cannot be asked."""
        self.check_name(name)
        if policy.dead_letter_topic is not None:
            await self._check_dead_letter_topic(name, policy, policy.dead_letter_topic, topics)
        for role, part in {RecordPart.KEY: policy.key, RecordPart.VALUE: policy.value}.items():
            # Without a subject, a prefix means another one for each of its topics.
            if part.uses_subject and (part.schema.subject is not None or not names.is_prefix(name)):
                await self._check_part(role, part, find_subject(part, role, name), rights)

    async def _check_dead_letter_topic(self, name: str, policy: TopicPolicy, topic: str, topics: Topics | None) -> None:
        if names.is_prefix(topic) or not names.is_name(topic):
            raise InvalidPolicyError(f"dead_letter_topic {topic!r} cannot be the name of a topic.")
        if self._internal.is_internal_topic(topic):
            raise InvalidPolicyError(
                f"dead_letter_topic {topic} is internal: the service or Kafka keeps its own state in it."
            )
        if PolicyStore({name: policy}).find(topic) is not None:
            raise InvalidPolicyError(
                f"dead_letter_topic {topic} is a topic that the policy {name} is for. Choose one that it is not for."
            )
        if topics is None:
            return
        try:
            await topics.topic(topic)
        except ProxyError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise InvalidPolicyError(f"dead_letter_topic {topic} does not exist. Create it first.") from error

    async def _check_part(self, role: RecordPart, part: PartPolicy, subject: str, rights: SubjectRights) -> None:
        try:
            chosen = await choose_schema(self._schemas, part, subject, rights)
            latest, _ = await self._schemas.by_version(subject, LATEST, rights)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            raise InvalidPolicyError(
                f"{role}.schema: the registry has no schema of subject {subject} that the policy means: "
                f"{error.message.rstrip('.')}. Register it first, or name another subject or version."
            ) from error
        if part.plain is Plain.VALIDATE:
            _check_type(role, chosen)
            await self._check_rules(role, chosen)
        if part.versions is not None and part.versions.min > latest:
            raise InvalidPolicyError(
                f"{role}.versions.min is {part.versions.min}, and subject {subject} has versions up to {latest}: no "
                f"{role} that names a schema would be accepted."
            )

    async def _check_rules(self, role: RecordPart, chosen: ChosenSchema) -> None:
        try:
            codec = await self._schemas.codec_of(chosen.registered, chosen.subject)
        except InvalidSchemaError as error:
            raise InvalidPolicyError(
                f"{role}.schema: version {chosen.version} of subject {chosen.subject} cannot be used: {error}"
            ) from error
        if isinstance(codec, RuledCodec) and codec.uses_keys:
            raise InvalidPolicyError(
                f'{role}.plain "validate" stores JSON without the id of its schema, and version {chosen.version} of '
                f"subject {chosen.subject} has a rule that encrypts: no reader could find the key. Set plain to "
                '"encode", which stores the id.'
            )


def _check_type(role: RecordPart, chosen: ChosenSchema) -> None:
    kind = chosen.registered.schema.type
    if kind is not SchemaType.JSON:
        raise InvalidPolicyError(
            f'{role}.plain "validate" needs a JSON Schema, and version {chosen.version} of subject {chosen.subject} is '
            f'{kind}. Set plain to "encode" to store plain JSON in that format.'
        )
