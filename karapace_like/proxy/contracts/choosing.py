"""Choose the schema that a policy holds plain JSON against."""

from typing import NamedTuple

from karapace_like.policies.policy import PartPolicy
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.schema.model import LATEST


class ChosenSchema(NamedTuple):
    """A version of the policy's subject."""

    subject: str
    version: int
    registered: RegisteredSchema


def find_subject(part: PartPolicy, role: RecordPart, topic: str) -> str:
    """Return the policy's subject for this topic."""
    return part.schema.subject or role.subject(topic)


async def choose_schema(schemas: SchemaCache, part: PartPolicy, subject: str, rights: SubjectRights) -> ChosenSchema:
    """Return the version of the subject that the policy names; raises ApiError, such as 40401 without one."""
    choice = part.schema
    if choice.metadata is not None:
        version, registered = await schemas.by_metadata(subject, choice.metadata, rights)
    else:
        number = choice.version if isinstance(choice.version, int) else LATEST
        version, registered = await schemas.by_version(subject, number, rights)
    return ChosenSchema(subject, version, registered)
