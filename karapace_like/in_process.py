"""The registry as the proxy needs it, where both run in one process: calls, and HTTP only to another node."""

import uuid
from functools import partial
from urllib.parse import quote

import msgspec

from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.registry import errors, lookups, parsing, registration
from karapace_like.registry.content import Content
from karapace_like.registry.errors import NotPrimaryError, RegistryError
from karapace_like.registry.registration import Registered, Submission
from karapace_like.registry.registry import Basis, Registry
from karapace_like.registry.standing import Standing
from karapace_like.schema.model import SchemaId, UnparsedSchema
from karapace_like.web.forwarding import answered_somewhere, written_there
from karapace_like.web.peers import Answer, Peers

_REFUSED = 400
"""The first HTTP status that is a refusal."""


class RegistrySchemas:
    """Satisfies `proxy.ports.Schemas`."""

    def __init__(self, registry: Registry, peers: Peers | None = None) -> None:
        """`peers` are closed by whoever made them."""
        self._registry = registry
        self._peers = peers or Peers()

    async def by_id(self, schema_id: int, subject: str) -> RegisteredSchema:
        """The schema with the id in the subject's context; raises RegistryError 40403."""
        found = self._registry.read().context(subject).ids.get(schema_id)
        if not found:
            raise errors.schema_not_found(schema_id)
        return self._found(schema_id, found[0].content, found[0].subject)

    async def by_guid(self, guid: uuid.UUID) -> RegisteredSchema:
        """The schema with the guid, in whatever context; raises RegistryError 40403."""
        found = lookups.by_guid(self._registry.read(), str(guid))[0]
        return self._found(found.id, found.content, found.subject)

    async def by_version(self, subject: str, version: int) -> tuple[int, RegisteredSchema]:
        """(number, schema) of a live version, -1 for the latest; raises RegistryError 40401 or 40402."""
        found = lookups.version(self._registry.read(), subject, version)
        return found.version, self._found(found.id, found.content, found.subject)

    async def version_of(self, subject: str, schema_id: int) -> int:
        """The number of the subject's live version with this id; raises RegistryError 40401 or 40403."""
        versions = self._registry.read().versions(subject)
        if not versions:
            raise errors.subject_not_found(subject)
        for each in versions:
            if each.id == schema_id:
                return each.version
        raise errors.schema_not_found()

    async def register(self, subject: str, schema: UnparsedSchema) -> RegisteredSchema:
        """The subject's version with this schema, registered if need be; raises RegistryError."""
        submission = Submission(type=schema.type, text=schema.text, references=schema.references)
        plan = partial(registration.plan, subject=subject, submission=submission, rules=self._registry.rules)

        async def here() -> Registered:
            return await self._registry.write(plan)

        async def there(standing: Standing) -> Registered:
            """Once the primary's version is applied here, it is found like any other."""
            answer = await written_there(
                standing, self._registry, self._peers, "POST", f"/subjects/{quote(subject, safe='')}/versions",
                {"Content-Type": "application/json"}, _body(schema),
            )  # fmt: skip
            if answer.status >= _REFUSED:
                raise _refusal(answer)
            return await here()

        try:
            done = await here()
        except NotPrimaryError as refusal:
            done = await answered_somewhere(self._registry, refusal, here, there)
        return self._found(done.id, done.content, done.subject)

    def basis(self, subject: str) -> Basis | None:
        """What answers about the subject follow from."""
        versions = self._registry.read().kept(subject)
        return None if versions is None else self._registry.basis(versions)

    def _found(self, schema_id: int, content: Content, subject: str) -> RegisteredSchema:
        dependencies = parsing.dependencies_of(self._registry.read(), content.schema, subject)
        return RegisteredSchema(SchemaId(schema_id), content.schema, dependencies)


def _body(schema: UnparsedSchema) -> bytes:
    return msgspec.json.encode({"schema": schema.text, "schemaType": schema.type, "references": schema.references})


def _refusal(answer: Answer) -> RegistryError:
    """The primary's own words."""
    try:
        found = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.MsgspecError:
        found = _Refusal(answer.status, f"HTTP {answer.status}")
    return RegistryError(found.error_code, found.message, status=answer.status)


class _Refusal(msgspec.Struct):
    error_code: int
    message: str
