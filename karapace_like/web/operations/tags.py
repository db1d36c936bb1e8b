"""The groups of operations in `/openapi.json` and `/docs` (OpenAPI's tags), in the order in which people need them."""

import re
from typing import NamedTuple


class Tag(NamedTuple):
    """A group of operations."""

    name: str
    description: str
    calls: re.Pattern[str]
    """The group's operations, as `METHOD path`."""


def _define_tag(name: str, description: str, calls: str) -> Tag:
    return Tag(name, description, re.compile(rf"(?:{calls})(?![\w-]).*"))


_ANY = r"[A-Z]+ "
_V3 = rf"{_ANY}/v3/clusters/{{cluster}}"
_V1 = r"GET /topics/{topic}/partitions/{partition}/messages|GET /consumers/{group}/instances/{instance}/topics/{topic}"
_REPLY = r"POST /topics/{topic}/(?:requests|replies)|GET /topics/{topic}/requests"
_FILES = r"(?:GET|POST) /topics/{topic}/files"
_SOCKET = r"GET /topics/{topic}/socket"
_READ = r"GET /topics/{topic}(?:(?:/partitions/{partition})?/records|/keys)"

TAGS = (
    _define_tag(
        "Registry: subjects",
        "Register schemas under a subject, look them up, list and delete versions.",
        rf"{_ANY}/subjects",
    ),
    _define_tag("Registry: schemas", "Look up schemas by id or GUID.", rf"{_ANY}/schemas"),
    _define_tag(
        "Registry: compatibility",
        "Check a schema against earlier versions without registering it.",
        rf"{_ANY}/compatibility",
    ),
    _define_tag(
        "Registry: config", "Compatibility levels and other settings, global and per subject.", rf"{_ANY}/config"
    ),
    _define_tag(
        "Registry: mode", "Whether schemas can be registered or imported, global and per subject.", rf"{_ANY}/mode"
    ),
    _define_tag(
        "Registry: associations",
        "Which subjects the records of a resource, such as a topic, use.",
        rf"{_ANY}/associations",
    ),
    _define_tag(
        "DEK registry",
        "Keys of client-side field level encryption: KEKs, which a KMS holds, and the DEKs that they wrap.",
        rf"{_ANY}/dek-registry",
    ),
    _define_tag("Registry: contexts", "Separate namespaces of subjects and schema ids.", rf"{_ANY}/contexts"),
    _define_tag(
        "REST proxy v2: topics",
        "Describe topics, partitions and brokers.",
        rf"(?!{_READ}|{_V1}|{_REPLY}|{_FILES}|{_SOCKET})GET /(?:topics|brokers)",
    ),
    _define_tag(
        "REST proxy v2: produce",
        "Produce records. The Content-Type names the format of their keys and values.",
        rf"(?!{_REPLY}|{_FILES})(?:POST /(?:topics|records)|GET /deliveries)",
    ),
    _define_tag(
        "REST proxy v2: consumers",
        "Read records as a member of a consumer group, or without one.",
        rf"(?!{_V1}){_ANY}/consumers|{_READ}",
    ),
    _define_tag(
        "Queues",
        "Receive and acknowledge records of share groups, without consumer instances.",
        rf"{_ANY}/queues",
    ),
    _define_tag("Request and reply", "Write a record and get the record that replies to it.", _REPLY),
    _define_tag("WebSocket", "Consume and produce over one connection.", _SOCKET),
    _define_tag("Files", "Upload and download many records, of any size, as one file.", _FILES),
    _define_tag("REST proxy v3: clusters", "Describe clusters.", rf"{_ANY}/v3/clusters(?:/{{cluster}})?$"),
    _define_tag("REST proxy v3: brokers", "Describe and configure brokers.", rf"{_V3}/(?:brokers|broker-configs)"),
    _define_tag(
        "REST proxy v3: topics",
        "Create, describe, configure and delete topics.",
        rf"{_V3}/topics(?!.*/records)",
    ),
    _define_tag(
        "REST proxy: topic policies",
        "What is done with the records that clients produce to a topic.",
        rf"{_ANY}/policies",
    ),
    _define_tag("REST proxy v3: records", "Produce records, and read partitions.", rf"{_V3}/topics/.*/records"),
    _define_tag(
        "REST proxy v3: consumer groups", "Members, offsets and lag of consumer groups.", rf"{_V3}/consumer-groups"
    ),
    _define_tag("REST proxy v3: ACLs", "List, create and delete Kafka's access control entries.", rf"{_V3}/acls"),
    _define_tag("REST proxy v1: reading", "Read records as the first version of the API did.", _V1),
    _define_tag(
        "Kafka Connect",
        "Requests that are forwarded to Kafka Connect.",
        rf"{_ANY}/(?:connectors|connector-plugins|admin)",
    ),
    _define_tag("Console", "Who calls, and what the console may offer them.", rf"{_ANY}/console/\w+"),
    _define_tag(
        "Operations",
        "Health, metrics, usage and version of this service.",
        rf"{_ANY}/(?:$|health|_health|metrics|usage|master_available|v1/metadata)",
    ),
)


def find_tag(method: str, path: str) -> Tag:
    """Return the operation's group; `path` has plain variables. Raises ValueError unless exactly one group has it."""
    call = f"{method} {path}"
    matching = [tag for tag in TAGS if tag.calls.fullmatch(call)]
    if len(matching) != 1:
        raise ValueError(f"{call} is in {len(matching)} groups of operations, expected one (web/operations/tags.py)")
    return matching[0]
