"""The rights of a request's caller to the subjects of the registry, as the proxy takes them."""

from typing import NamedTuple

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.proxy.topics import Topics
from karapace_like.registry import names
from karapace_like.web.callers import access
from karapace_like.web.callers.access import Caller
from karapace_like.web.keys.permissions import CREATES_DEK
from karapace_like.web.proxy.requests import PROXY_OF_CALLER

_ENDINGS = tuple(part.subject("") for part in RecordPart)
"""Of the subjects of a topic: `-key` and `-value`."""


def find_subject_rights(request: web.Request) -> SubjectRights:
    """Return the rights of the caller."""
    caller = access.caller(request)
    if caller.is_restricted:
        return _CallerRights(caller)
    kafka = request.get(PROXY_OF_CALLER)
    return ALL_SUBJECTS if kafka is None else _KafkaRights(kafka.topics)


class _CallerRights(NamedTuple):
    """What the policy allows one caller; implements `proxy.rights.SubjectRights`."""

    caller: Caller

    def may_read(self, subject: str) -> bool:
        return self.caller.may_read(names.canonical(subject))

    def require_reading(self, subject: str) -> None:
        self._require(Operation.READ, subject)

    def require_registering(self, subject: str) -> None:
        self._require(Operation.WRITE, subject)

    async def may_write_topic(self, topic: str) -> bool:
        return self.caller.is_allowed(Operation.WRITE, ResourceKind.TOPIC.name_resource(topic))

    async def refuse_new(self, _: str) -> None:
        """Return None: the policy has decided."""

    def may_encrypt(self, kek_name: str) -> bool:
        return self._may_use(kek_name, *CREATES_DEK)

    def may_decrypt(self, kek_name: str, *, is_shared: bool, shows_secrets: bool) -> bool:  # noqa: ARG002
        return self._may_use(kek_name, Operation.READ if is_shared else Operation.READ_SECRETS)

    def may_create_kek(self, kek_name: str) -> bool:
        return self._may_use(kek_name, Operation.WRITE)

    def _may_use(self, kek_name: str, *operations: Operation) -> bool:
        resource = ResourceKind.KEK.name_resource(kek_name)
        return any(self.caller.is_allowed(operation, resource) for operation in operations)

    def _require(self, operation: Operation, subject: str) -> None:
        self.caller.require((operation,), (access.resource_names(names.canonical(subject)),))


class _KafkaRights(NamedTuple):
    """The rights of a caller whom Kafka alone knows (`rest_authorization`): those of the topic that a subject is for.

    The service registers schemas in its own name, so no other check would apply. Reading needs no right: the registry's
    API asks for none either.
    """

    topics: Topics

    def may_read(self, _: str) -> bool:
        return True

    def require_reading(self, _: str) -> None:
        pass

    def require_registering(self, _: str) -> None:
        pass

    async def may_write_topic(self, topic: str) -> bool:
        return await self.topics.may_write(topic)

    async def refuse_new(self, subject: str) -> ApiError | None:
        topic = next((subject.removesuffix(end) for end in _ENDINGS if subject.endswith(end)), "")
        if topic and await self.topics.may_write(topic):
            return None
        return errors.new_schema_not_allowed_error(subject)

    def may_encrypt(self, _: str) -> bool:
        return True

    def may_decrypt(self, _: str, *, is_shared: bool, shows_secrets: bool) -> bool:
        return is_shared or shows_secrets

    def may_create_kek(self, _: str) -> bool:
        return True
