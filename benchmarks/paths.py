"""The calls that are measured: what is sent, and how many units (requests or records) one of them is."""

import base64
import json
import urllib.request
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from benchmarks import codecs
from benchmarks.load import UNIQUE
from karapace_like.web.http.media_types import MESSAGE_PACK

REGISTRY = "application/vnd.schemaregistry.v1+json"
BATCH = 100
"""Records of one request, where there are many."""
SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Parcel",
        "fields": [{"name": f"field_{number}", "type": ["null", "string"], "default": None} for number in range(14)],
    },
    separators=(",", ":"),
)
_ADDED_FIELD = {"name": f"field_{UNIQUE}", "type": "int", "default": 0}
SCHEMAS: dict[str, dict[str, Any]] = {
    "avro": {"schema": json.dumps(codecs.AVRO)},
    "jsonschema": {"schema": json.dumps(codecs.JSON_SCHEMA), "schemaType": "JSON"},
    "protobuf": {"schema": codecs.PROTOBUF, "schemaType": "PROTOBUF"},
}
_VALUES: dict[str, Any] = {"avro": codecs.UNIONS, "jsonschema": codecs.PLAIN, "protobuf": codecs.PLAIN}


class Path(NamedTuple):
    """One call."""

    name: str
    method: str
    path: str
    body: bytes = b""
    content_type: str = ""
    units: int = 1
    """What one call counts for."""
    connections: int = 32

    @property
    def is_of_proxy(self) -> bool:
        """Whether the REST proxy has it, and not the registry."""
        return self.path.startswith("/topics/")


def post(url: str, path: str, body: bytes, content_type: str) -> Any:
    """The answer, as JSON."""
    request = urllib.request.Request(url + path, body, {"Content-Type": content_type})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def media_type(embedded: str) -> str:
    """Of a request with records in this format."""
    return f"application/vnd.kafka.{embedded}.v2+json"


def registry_paths(url: str) -> list[Path]:
    """Reads, look-ups and checks of a schema that is registered here."""
    body = json.dumps({"schema": SCHEMA}).encode()
    found = post(url, "/subjects/bench/versions", body, REGISTRY)["id"]
    schema = json.loads(SCHEMA)
    schema["fields"].append(_ADDED_FIELD)
    successor = json.dumps({"schema": json.dumps(schema)}).encode()
    return [
        Path("get by id", "GET", f"/schemas/ids/{found}"),
        Path("get version", "GET", "/subjects/bench/versions/1"),
        Path("get latest", "GET", "/subjects/bench/versions/latest"),
        Path("look up", "POST", "/subjects/bench", body, REGISTRY),
        Path("register known", "POST", "/subjects/bench/versions", body, REGISTRY),
        Path("check", "POST", "/compatibility/subjects/bench/versions/latest", body, REGISTRY),
        Path("check new", "POST", "/compatibility/subjects/bench/versions/latest", successor, REGISTRY),
    ]


def new_paths() -> list[Path]:
    """Registrations of schemas that nobody has."""
    body = json.dumps({"schema": json.dumps({"type": "record", "name": f"R{UNIQUE}", "fields": []})}).encode()
    place = f"/subjects/new-{UNIQUE}/versions"
    return [
        Path("register new", "POST", place, body, REGISTRY, connections=64),
        Path("register new, one client", "POST", place, body, REGISTRY, connections=1),
    ]


def produce_paths(url: str, formats: Iterable[str] = tuple(SCHEMAS), topics: str = "bench") -> list[Path]:
    """One record a request, and many; the schemas of the formats are registered here. Topics begin with `topics`."""
    binary = base64.b64encode(bytes(range(256)) * 4).decode()
    plain = {"text": "x" * 188}
    one = {"binary": base64.b64encode(b"x" * 75).decode(), "json": {"a": "x" * 90}}
    found = [
        _produced(f"produce 1 {name}", name, f"{topics}-1", [value], connections=64, fields={})
        for name, value in one.items()
    ]
    found += [
        _produced(f"produce {BATCH} binary 1 KB", "binary", f"{topics}-binary", [binary] * BATCH, fields={}),
        Path(
            f"produce {BATCH} MessagePack 1 KB",
            "POST",
            f"/topics/{topics}-binary",
            msgspec.msgpack.encode({"records": [{"value": bytes(range(256)) * 4}] * BATCH}),
            MESSAGE_PACK,
            BATCH,
        ),
        _produced(f"produce {BATCH} json 200 B", "json", f"{topics}-json", [plain] * BATCH, fields={}),
    ]
    for name in formats:
        topic, value = f"{topics}-{name}", _VALUES[name]
        schema = json.dumps(SCHEMAS[name]).encode()
        fields = {"value_schema_id": post(url, f"/subjects/{topic}-value/versions", schema, REGISTRY)["id"]}
        if name == "avro":
            found.insert(2, _produced("produce 1 avro", name, topic, [value], connections=64, fields=fields))
        found.append(_produced(f"produce {BATCH} {name}", name, topic, [value] * BATCH, fields=fields))
    return found


def _produced(
    name: str, embedded: str, topic: str, values: list[Any], *, fields: dict[str, Any], connections: int = 32
) -> Path:
    body = {**fields, "records": [{"value": value} for value in values]}
    text = json.dumps(body, separators=(",", ":")).encode()
    return Path(name, "POST", f"/topics/{topic}", text, media_type(embedded), len(values), connections)
