"""The keys of one process, as of some offset of the topic; only `KeyRegistry` changes them."""

from collections.abc import Iterable, Iterator

import msgspec

from karapace_like.keys.keys import LATEST_VERSION, Dek, DekAlgorithm, DekId, Kek
from karapace_like.keys.records import DekRecord, KekRecord, KeyRecord


class KeyStore:
    """KEKs by name, and DEKs by KEK, subject, algorithm and version."""

    def __init__(self) -> None:
        self.unknown = 0
        """Records of the topic that are about no key, and are no marks."""
        self.dek_count = 0
        """Number of all DEKs, soft-deleted ones included."""
        self._keks: dict[str, Kek] = {}
        self._deks: dict[str, dict[tuple[str, DekAlgorithm], dict[int, Dek]]] = {}

    @property
    def kek_count(self) -> int:
        """Number of all KEKs, soft-deleted ones included."""
        return len(self._keks)

    def keks(self) -> Iterator[Kek]:
        """Yield the KEKs by name."""
        for name in sorted(self._keks):
            yield self._keks[name]

    def kek(self, name: str) -> Kek | None:
        """Return the KEK, also a soft-deleted one."""
        return self._keks.get(name)

    def deks_of(self, kek_name: str) -> Iterable[Dek]:
        """Return all DEKs of the KEK."""
        return (dek for versions in self._deks.get(kek_name, {}).values() for dek in versions.values())

    def versions(self, kek_name: str, subject: str, algorithm: DekAlgorithm) -> list[Dek]:
        """Return all DEKs of the subject with this algorithm, in ascending order of their versions."""
        versions = self._deks.get(kek_name, {}).get((subject, algorithm), {})
        return [versions[number] for number in sorted(versions)]

    def dek(self, key_id: DekId, *, deleted: bool = True) -> Dek | None:
        """Return the DEK; its version may be the latest. A soft-deleted one counts only with `deleted`."""
        candidates = [
            dek
            for dek in self.versions(key_id.kek_name, key_id.subject, key_id.algorithm)
            if deleted or not dek.deleted
        ]
        if key_id.version == LATEST_VERSION:
            return candidates[-1] if candidates else None
        return next((dek for dek in candidates if dek.id.version == key_id.version), None)

    def apply(self, record: KeyRecord, timestamp: int, offset: int) -> None:
        """Store or delete the key; the others are the record's."""
        if isinstance(record, KekRecord):
            if record.kek is None:
                self._keks.pop(record.name, None)
            else:
                self._keks[record.name] = msgspec.structs.replace(record.kek, updated=timestamp, offset=offset)
        else:
            self._apply_dek(record, timestamp)

    def _apply_dek(self, record: DekRecord, timestamp: int) -> None:
        key_id = record.id
        subjects = self._deks.setdefault(key_id.kek_name, {})
        versions = subjects.setdefault((key_id.subject, key_id.algorithm), {})
        self.dek_count -= versions.pop(key_id.version, None) is not None
        if record.dek is not None:
            versions[key_id.version] = msgspec.structs.replace(record.dek, updated=timestamp)
            self.dek_count += 1
        if not versions:
            del subjects[key_id.subject, key_id.algorithm]
        if not subjects:
            del self._deks[key_id.kek_name]
