"""Admit the records of one request to one topic, all of which are encoded alike: the way that has to be fast.

What the policy makes of the first such record it makes of all others, in later requests, too, for as long as the policy
and the subject stay the same. So a record is judged once, and then encoded only.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from karapace_like.policies.store import PolicyEntry
from karapace_like.process.lru import LruCache
from karapace_like.proxy.contracts.admission import EncodeAtOnce, Offer, PartAdmission, PartVerdict, TopicAdmission
from karapace_like.proxy.validators import Validators
from karapace_like.records import Headers
from karapace_like.schema.model import SchemaId

_SIZE = 1000
"""Verdicts in the cache."""
_AS_OFFERED = PartVerdict()


class Verdict(NamedTuple):
    """What the policy of a topic makes of all records that are offered alike and have no headers."""

    key: PartVerdict
    value: PartVerdict

    def is_current(self) -> bool:
        """Return whether the records of a later request are treated in the same way."""
        is_current, is_value_current = self.key.is_current, self.value.is_current
        return is_current is not None and is_value_current is not None and is_current() and is_value_current()


_Shape = tuple[str, str, int | None, str, int | None]
"""(topic, format and schema of the keys, of the values)."""


class Verdicts:
    """The verdicts of policies, by topic and by how records are offered."""

    def __init__(self) -> None:
        self._cached: LruCache[_Shape, tuple[PolicyEntry, Verdict]] = LruCache(_SIZE)

    def find(self, judging: "Judging", key: Offer, value: Offer) -> Verdict | None:
        """Return the verdict of the policy if it is known, and true still."""
        cached = self._cached.get((judging.topic, key.format, key.schema_id, value.format, value.schema_id))
        if cached is None or cached[0] is not judging.entry:
            return None
        return cached[1] if cached[1].is_current() else None

    def keep(self, judging: "Judging", key: Offer, value: Offer, verdict: Verdict) -> None:
        """Keep the verdict for later requests, if it holds for them."""
        if verdict.is_current():
            shape = judging.topic, key.format, key.schema_id, value.format, value.schema_id
            self._cached.put(shape, (judging.entry, verdict))


class Judging(NamedTuple):
    """How the records of one request are judged where there is no verdict."""

    topic: str
    entry: PolicyEntry
    """The policy that is in force for the topic as the request begins."""
    open: Callable[[], TopicAdmission]
    """Returns what judges by that policy."""


class UniformAdmission:
    """Admits the records of one request to one topic, all of which are encoded alike."""

    def __init__(self, verdicts: Verdicts, judging: Judging, key: Offer, value: Offer, validators: Validators) -> None:
        self._verdicts = verdicts
        self._judging = judging
        self._opened: TopicAdmission | None = None
        self._key = key
        self._value = value
        self._validators = validators
        self.encoders: tuple[EncodeAtOnce, EncodeAtOnce] | None = None
        """What makes the bytes that are written of keys and values, for records without headers.

        None: `admit` has to decide, as about each record for which one of them raises EncodeError or HeavyWorkError.
        """
        self._verdict: Verdict | None = None
        verdict = verdicts.find(judging, key, value)
        if verdict is not None:
            self._use(verdict)

    @property
    def schema_ids(self) -> tuple[SchemaId | None, SchemaId | None]:
        """The schemas that the policy encoded keys and values with; None where it has encoded none."""
        if self._opened is not None:
            key, value = (None if part is None else part.schema_id for part in self._opened)
        else:
            key, value = None, None
        if self._verdict is not None:
            key, value = key or self._verdict.key.schema_id, value or self._verdict.value.schema_id
        return key, value

    async def convert_key(self, key: msgspec.Raw) -> bytes | None:
        """See `PartAdmission.convert_key`; the policy has to convert keys."""
        keys = self._open().key
        assert keys is not None
        return await keys.convert_key(key)

    async def admit(self, key: msgspec.Raw, value: msgspec.Raw, headers: Headers) -> tuple[bytes | None, bytes | None]:
        """Return the key and value that are written; raises as `PartAdmission.admit`."""
        keys, values = self._open()
        written_key = await self._admit_part(keys, self._key, key, headers)
        written_value = await self._admit_part(values, self._value, value, headers)
        if self._verdict is None:
            of_keys = _AS_OFFERED if keys is None else keys.settle(self._key)
            of_values = _AS_OFFERED if values is None else values.settle(self._value)
            if of_keys is not None and of_values is not None:
                verdict = Verdict(of_keys, of_values)
                self._use(verdict)
                self._verdicts.keep(self._judging, self._key, self._value, verdict)
        return written_key, written_value

    def _use(self, verdict: Verdict) -> None:
        self._verdict = verdict
        encode_key = verdict.key.encode or self._key.encode_at_once
        encode_value = verdict.value.encode or self._value.encode_at_once
        self.encoders = None if encode_key is None or encode_value is None else (encode_key, encode_value)

    def _open(self) -> TopicAdmission:
        if self._opened is None:
            self._opened = self._judging.open()
        return self._opened

    async def _admit_part(
        self, admission: PartAdmission | None, offer: Offer, text: msgspec.Raw, headers: Headers
    ) -> bytes | None:
        if admission is None:
            return await offer.encode(text, self._validators)
        return (await admission.admit(offer, text, headers)).data
