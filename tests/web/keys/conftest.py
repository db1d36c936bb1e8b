"""A DEK registry in memory, and a client of it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from karapace_like.keys.dek_registry import DekRegistry
from tests.web.conftest import Api, MemoryLog, TopicRecord, keys_in_memory

KEKS = "/dek-registry/v1/keks"
Start = Callable[..., Awaitable[Api]]
INT = {"schema": '"int"'}


def kek(name: str | None = "k1", **fields: Any) -> dict[str, Any]:
    body = {"name": name, "kmsType": "local-kms", "kmsKeyId": "mykey", **fields}
    return {field: value for field, value in body.items() if value is not None}


class KeysApi:
    """Answers (status, body)."""

    def __init__(self, api: Api, topic: MemoryLog) -> None:
        self.api = api
        self.topic = topic
        assert isinstance(topic.registry, DekRegistry)
        self.registry_of_keys = topic.registry

    async def __call__(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        answer = await self.api.response(method, path, body, **options)
        return answer.status, await answer.json(content_type=None) if await answer.read() else None

    async def refusal(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, int]:
        status, answer = await self(method, path, body, **options)
        assert set(answer) == {"error_code", "message"}
        return status, answer["error_code"]

    def last(self) -> tuple[bytes | None, bytes | None]:
        """Key and value of the topic's last record."""
        record = self.topic.records[-1]
        return record.key, record.value

    def add(self, key: bytes, value: bytes | None, timestamp: int = 0) -> None:
        """Let another registry write a record."""
        record = TopicRecord(key, value, timestamp or int(time.time() * 1000), len(self.topic.records))
        self.topic.records.append(record)
        self.registry_of_keys.apply_batch([record], len(self.topic.records))


@pytest.fixture
async def keys(start: Start) -> KeysApi:
    handling, log = keys_in_memory()
    return KeysApi(await start(keys=handling), log)
