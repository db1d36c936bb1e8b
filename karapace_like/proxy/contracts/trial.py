"""Try a policy on records, without writing any: an operator sees each verdict before the policy is in force."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from karapace_like.errors import ApiError
from karapace_like.policies.policy import Mode, TopicPolicy
from karapace_like.process.turns import Turn
from karapace_like.proxy.contracts.admission import open_admission
from karapace_like.proxy.contracts.targets import Targets
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.contracts.violations import Reason, RefusedRecordError
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.ruled_codec import RuleRefusalError
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.encoding import Encoding
from karapace_like.proxy.v3.records import RecordRequest, WrittenData


class Judgement(NamedTuple):
    """What would become of a record."""

    key: WrittenData | None = None
    value: WrittenData | None = None
    error: ApiError | None = None
    """Why it would not be written; None if it would be."""
    reason: Reason | None = None
    """The policy's reason; None where it is none of the policy's."""


class PolicyTrial:
    """Judges records as if the policy were enforced."""

    def __init__(self, schemas: SchemaCache) -> None:
        self._schemas = schemas
        self._targets = Targets(schemas)

    async def judge(
        self,
        topic: str,
        name: str,
        policy: TopicPolicy,
        records: Sequence[RecordRequest | ApiError],
        rights: SubjectRights,
    ) -> list[Judgement]:
        """Return the judgement of each record, in order; `rights` are those of the caller, who offers the records."""
        enforced = replace(policy, mode=Mode.ENFORCE)
        admission = open_admission(
            self._schemas, self._targets, ViolationLog(), topic=topic, name=name, policy=enforced, rights=rights
        )
        encoding = Encoding(self._schemas, topic, rights, admission)
        turn = Turn()
        judgements = []
        for record in records:
            if turn.is_over():
                await turn.yield_to_others()
            try:
                judgements.append(await _judge(encoding, record))
            except ApiError as error:
                judgements.append(Judgement(error=errors.as_entry(error), reason=_find_reason(error)))
        return judgements


def _find_reason(error: ApiError) -> Reason | None:
    if isinstance(error, RuleRefusalError):
        return Reason.RULE
    return error.violation.reason if isinstance(error, RefusedRecordError) else None


async def _judge(encoding: Encoding, record: RecordRequest | ApiError) -> Judgement:
    if isinstance(record, ApiError):
        raise record
    for part in (record.key, record.value):
        if part is not None and part.schema is not None:
            raise errors.malformed_request("A test registers no schema: send schema_id or schema_version, not schema.")
    headers = tuple((header.name, header.value) for header in record.headers)
    _, key = await encoding.encode(RecordPart.KEY, record.key, headers)
    _, value = await encoding.encode(RecordPart.VALUE, record.value, headers)
    return Judgement(key, value)
