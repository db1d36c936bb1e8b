"""A client of a whole service for tests of rules: subjects with rules, and every way in and out."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp

from tests.service_process import ServiceProcess

AVRO = """{"type": "record", "name": "Order", "fields": [
  {"name": "name", "type": "string"},
  {"name": "ssn", "type": ["null", "string"], "default": null, "confluent:tags": ["PII"]},
  {"name": "count", "type": "int", "default": 0}]}"""
JSON_SCHEMA = """{"type": "object", "properties": {
  "name": {"type": "string"}, "ssn": {"type": "string", "confluent:tags": ["PII"]}, "count": {"type": "integer"}}}"""
PROTOBUF = """syntax = "proto3";
import "confluent/meta.proto";
message Order { string name = 1; string ssn = 2 [(confluent.field_meta).tags = "PII"]; int32 count = 3; }"""


class Format(NamedTuple):
    """One of the formats with schemas."""

    schema_type: str
    schema: str
    v3_type: str
    wraps: bool = False
    """Whether its JSON has the name of a union's branch."""

    def value(self, name: str, ssn: str, count: int) -> dict[str, Any]:
        return {"name": name, "ssn": {"string": ssn} if self.wraps else ssn, "count": count}


FORMATS: Mapping[str, Format] = {
    "avro": Format("AVRO", AVRO, "AVRO", wraps=True),
    "jsonschema": Format("JSON", JSON_SCHEMA, "JSONSCHEMA"),
    "protobuf": Format("PROTOBUF", PROTOBUF, "PROTOBUF"),
}


class RuledService(NamedTuple):
    """What the tests send."""

    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, path, data=data, headers=headers) as response:
            text = await response.text()
            return response.status, json.loads(text) if text else None

    async def register(self, subject: str, embedded: str, rules: Sequence[Mapping[str, Any]] = (), **more: Any) -> int:
        of_format = FORMATS[embedded]
        body = {"schema": of_format.schema, "schemaType": of_format.schema_type, **more}
        if rules:
            body["ruleSet"] = {"domainRules": [{"name": f"rule{at}", **rule} for at, rule in enumerate(rules)]}
        status, answer = await self.call("POST", f"/subjects/{subject}/versions", body, Content_Type="application/json")
        assert status == 200, answer
        return int(answer["id"])

    async def produce(self, topic: str, embedded: str, *records: Mapping[str, Any], **fields: Any) -> tuple[int, Any]:
        media_type = f"application/vnd.kafka.{embedded}.v2+json"
        return await self.call("POST", f"/topics/{topic}", {"records": records, **fields}, Content_Type=media_type)

    async def produce_v3(self, topic: str, *records: Mapping[str, Any]) -> list[Any]:
        _, clusters = await self.call("GET", "/v3/clusters")
        path = f"/v3/clusters/{clusters['data'][0]['cluster_id']}/topics/{topic}/records"
        data = "\n".join(map(json.dumps, records))
        async with self.session.post(path, data=data, headers={"Content-Type": "application/json"}) as response:
            return [json.loads(line) for line in (await response.text()).splitlines()]

    async def read(self, topic: str, embedded: str, **query: str) -> tuple[int, Any]:
        media_type = f"application/vnd.kafka.{embedded}.v2+json"
        path = f"/topics/{topic}/partitions/0/records?offset=0"
        status, body = await self.call(
            "GET", "".join([path, *(f"&{name}={value}" for name, value in query.items())]), Accept=media_type
        )
        return status, body

    async def read_values(self, topic: str, embedded: str) -> list[Any]:
        status, body = await self.read(topic, embedded)
        assert status == 200, body
        return [record["value"] for record in body]


@asynccontextmanager
async def connect(service: ServiceProcess) -> AsyncIterator[RuledService]:
    async with aiohttp.ClientSession(service.url) as session:
        yield RuledService(session)
