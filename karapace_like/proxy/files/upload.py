"""Write the records of a file in batches, in order, up to the first one that cannot be written."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.produce import ProducedRecord, ProduceOptions, ProduceRequest, Producing
from karapace_like.proxy.produce_report import ProduceReport
from karapace_like.proxy.rights import SubjectRights

BATCH_RECORDS = 500
BATCH_BYTES = 1024 * 1024
"""Bytes of keys and values as JSON; a larger record is a batch alone."""


class FileError(NamedTuple):
    """The first record that was not written, and why."""

    record: int
    """Its place in the file, from 0."""
    error: ApiError


class Upload:
    """Writes one file; `write` is called until it returns an error."""

    def __init__(
        self, producing: Producing, topic: str, encoding: ProduceRequest, options: ProduceOptions, skip: int = 0
    ) -> None:
        """`encoding` is a request without records; the first `skip` records are left out."""
        self.encoding = encoding
        """How the next records are encoded."""
        self.records = 0
        """Records that were read, and written or left out."""
        self.written = 0
        self._producing = producing
        self._topic = topic
        self._options = options
        self._skip = skip

    async def write(self, records: Sequence[ProducedRecord], rights: SubjectRights) -> FileError | None:
        """Write the records; return the first that was not written, with its error."""
        left_out = min(max(self._skip - self.records, 0), len(records))
        self.records += left_out
        rest = records[left_out:]
        if not rest:
            return None
        try:
            report = await self._produce(rest, rights)
        except ApiError as error:
            return FileError(self.records, error) if len(rest) == 1 else await self._write_singly(rest, rights, error)
        return self._note(report)

    async def _write_singly(
        self, records: Sequence[ProducedRecord], rights: SubjectRights, error: ApiError
    ) -> FileError | None:
        """Write up to the record because of which none of the batch was written."""
        if error.status >= 500:
            return FileError(self.records, error)
        for record in records:
            try:
                failed = self._note(await self._produce([record], rights))
            except ApiError as refusal:
                return FileError(self.records, refusal)
            if failed is not None:
                return failed
        return None

    async def _produce(self, records: Sequence[ProducedRecord], rights: SubjectRights) -> ProduceReport:
        request = replace(self.encoding, records=tuple(records))
        return await self._producing.produce(self._topic, request, self._options, rights)

    def _note(self, report: ProduceReport) -> FileError | None:
        """Count what was written, and return the first record that was not."""
        failed: FileError | None = None
        for place, delivery in enumerate(report.deliveries):
            refusal = report.refusals.get(place)
            if refusal is None and delivery.failure is not None:
                refusal = ProxyError(errors.record_code(delivery.failure), delivery.failure.message)
            if refusal is None:
                self.written += 1
            elif failed is None:
                failed = FileError(self.records + place, refusal)
        self.records += len(report.deliveries)
        return failed
