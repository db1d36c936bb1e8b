"""The violations of one part of a topic's records: what a policy has against keys, or values, in its own words."""

from typing import NamedTuple

from karapace_like.errors import ApiError
from karapace_like.policies.policy import Framed, PartPolicy
from karapace_like.proxy.contracts.choosing import ChosenSchema, choose_schema
from karapace_like.proxy.contracts.violations import (
    NO_JSON,
    JudgementUnavailableError,
    Reason,
    Violation,
    describe_mismatch,
    name_media_type,
    parse_or_none,
)
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.rights import ALL_SUBJECTS
from karapace_like.proxy.ruled_codec import RuleEncodeError
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.serde.codec import EncodeError, JsonText


class PolicyPart(NamedTuple):
    """The policy of a topic's keys, or of its values."""

    topic: str
    name: str
    """Of the policy."""
    role: RecordPart
    policy: PartPolicy
    subject: str
    """The policy's, for this topic."""

    async def describe_plain(self, schemas: SchemaCache, sent_as: str) -> Violation:
        """Return the violation of a payload that names no schema; `sent_as` is its format."""
        detail = f"it is {sent_as} and names no schema"
        return self.violate(Reason.PLAIN, detail, remedy=await self.propose(schemas))

    def describe_misfit(self, error: EncodeError, text: JsonText, chosen: ChosenSchema) -> Violation:
        """Return the violation of a text that the schema, or one of its rules, does not accept."""
        kind = chosen.registered.schema.type
        schema = f"version {chosen.version} of subject {chosen.subject} ({kind})"
        if isinstance(error, RuleEncodeError):
            return self.violate(Reason.RULE, f"a rule of {schema} refuses it. {error}", chosen=chosen)
        remedy = f"Send JSON for {schema}; or {name_media_type(kind)}."
        value = parse_or_none(text)
        if value is NO_JSON:
            return self.violate(
                Reason.NOT_JSON, f"it is no JSON, which {schema} could be applied to", remedy=remedy, chosen=chosen
            )
        path, found_type, clause = describe_mismatch(error, value)
        return self.violate(Reason.INVALID, clause, remedy=remedy, chosen=chosen, path=path, found_type=found_type)

    async def propose(self, schemas: SchemaCache) -> str:
        """Return the sentence that says what would be accepted, with the subject's schema where it can be had."""
        try:
            chosen = await choose_schema(schemas, self.policy, self.subject, ALL_SUBJECTS)
        except ApiError:
            return f"Send it with a schema of subject {self.subject}."
        registered = chosen.registered
        return (
            f"Send it with a schema of subject {self.subject}, such as {self.role}_schema_id {registered.id} "
            f"(version {chosen.version}), and {name_media_type(registered.schema.type)}."
        )

    def violate(
        self,
        reason: Reason,
        detail: str,
        *,
        remedy: str = "",
        chosen: ChosenSchema | None = None,
        version: int | None = None,
        path: str = "",
        found_type: str | None = None,
    ) -> Violation:
        """Return a violation of this policy."""
        return Violation(
            topic=self.topic,
            policy=self.name,
            role=self.role,
            reason=reason,
            rule=self._name_rule(reason),
            detail=detail,
            remedy=remedy,
            subject=self.subject,
            version=version if chosen is None else chosen.version,
            path=path,
            found_type=found_type,
        )

    def _name_rule(self, reason: Reason) -> str:
        if reason is Reason.VERSION:
            return f"{self.role}.versions"
        if reason in {Reason.FOREIGN_SCHEMA, Reason.SCHEMA_HEADER} and self.policy.framed is Framed.SUBJECT:
            return f"{self.role}.framed={self.policy.framed}"
        return f"{self.role}.plain={self.policy.plain}"

    def unavailable(self, error: ApiError) -> JudgementUnavailableError:
        """Return the 503 for a judgement that needs what cannot be had now."""
        return JudgementUnavailableError(self.topic, self.name, error.message)
