"""Which schemas a key or value names, before its payload or in a header, and whether the policy accepts them."""

from collections.abc import Sequence
from http import HTTPStatus
from uuid import UUID

from karapace_like.errors import ApiError
from karapace_like.policies.policy import Framed, Plain
from karapace_like.proxy.contracts.policy_part import PolicyPart
from karapace_like.proxy.contracts.violations import Reason, RefusedRecordError, Violation
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.rights import ALL_SUBJECTS
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.records import Headers
from karapace_like.serde import wire

_HEADERS = {RecordPart.KEY: wire.KEY_HEADER, RecordPart.VALUE: wire.VALUE_HEADER}
_MAGIC = b"\0"
_UNKNOWN = object()


class Framing:
    """Judges the schemas that the keys, or values, of one request name."""

    def __init__(self, schemas: SchemaCache, part: PolicyPart) -> None:
        self._schemas = schemas
        self._part = part
        self._header = _HEADERS[part.role]
        self._known: dict[int | UUID, Violation | None] = {}
        """Schema that was named -> why it is not accepted."""

    def accepts(self, schema_id: int) -> bool:
        """Return whether the schema is known to be accepted."""
        return self._part.policy.framed is Framed.ANY or self._known.get(schema_id, _UNKNOWN) is None

    def find_headers(self, headers: Headers) -> Sequence[bytes]:
        """Return the values of the headers that name schemas of the part."""
        return [value or b"" for name, value in headers if name == self._header]

    async def is_framed(self, schema_id: int | None, data: bytes, headers: Headers) -> bool:
        """Return whether the bytes or their headers name schemas; raises RefusedRecordError for one that is refused.

        `schema_id` is that of the schema that the request has encoded them with.
        """
        named = [self._read_header(header, data, schema_id) for header in self.find_headers(headers)] if headers else []
        if not named and schema_id is not None:
            if self._part.policy.framed is Framed.SUBJECT:
                await self._check_schema(schema_id)
            return True
        if not named and data[:1] == _MAGIC and len(data) >= wire.PREFIX_BYTES:
            written_id, _ = wire.unframe(data)
            # Any bytes may begin with 0: without a schema of that id they are no frame.
            if self._part.policy.plain is Plain.ALLOW or await self._is_schema(written_id):
                named = [written_id]
        for identity in named:
            await self._check_schema(identity)
        return bool(named)

    def _read_header(self, header: bytes, data: bytes, schema_id: int | None) -> int | UUID:
        fault = "the request has it encoded with a schema id before it, too"
        try:
            if schema_id is None:
                return wire.unframe_header(header, data)[0]
        except wire.FrameError as error:
            fault = f"it names no schema: {error}"
        remedy = "Send the GUID of the schema after a byte 1, in the format binary, or leave the header out."
        detail = f"its header {self._header} cannot be used: {fault}"
        raise RefusedRecordError(self._part.violate(Reason.SCHEMA_HEADER, detail, remedy=remedy))

    async def _is_schema(self, schema_id: int) -> bool:
        if schema_id in self._known:
            return True
        try:
            await self._schemas.by_id(schema_id, self._part.subject, ALL_SUBJECTS)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise self._part.unavailable(error) from error
            return False
        return True

    async def _check_schema(self, identity: int | UUID) -> None:
        if identity not in self._known:
            self._known[identity] = await self._find_fault(identity)
        fault = self._known[identity]
        if fault is not None:
            raise RefusedRecordError(fault)

    async def _find_fault(self, identity: int | UUID) -> Violation | None:
        """Return why the schema may not be named; None if it may."""
        part, subject = self._part, self._part.subject
        name, version, is_any = f"schema {identity}", None, part.policy.framed is Framed.ANY
        try:
            if isinstance(identity, UUID):
                schema_id: int = (await self._schemas.by_guid(identity, ALL_SUBJECTS)).id
            else:
                schema_id = identity
            if is_any:
                await self._schemas.by_id(schema_id, subject, ALL_SUBJECTS)
            else:
                version = await self._schemas.version_of(subject, schema_id, ALL_SUBJECTS, registers=False)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise part.unavailable(error) from error
            return part.violate(
                Reason.FOREIGN_SCHEMA,
                f"it names {name}, and {'the registry' if is_any else f'subject {subject}'} has no such schema",
                remedy=await part.propose(self._schemas),
            )
        versions = part.policy.versions
        if version is None or versions is None or versions.holds(version):
            return None
        bounds = f"{versions.min} or later" if versions.max is None else f"{versions.min} to {versions.max}"
        return part.violate(
            Reason.VERSION,
            f"it names version {version} of subject {subject}",
            version=version,
            remedy=f"Versions {bounds} are accepted.",
        )
