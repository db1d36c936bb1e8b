"""Settings of the schema registry, and of the nodes that serve it together."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from karapace_like.config.choices import Port, SchemaValidation
from karapace_like.config.description import Group, SettingsGroup, describe
from karapace_like.config.forms import REGULAR_EXPRESSION
from karapace_like.leadership import Fencing, Strategy
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.secret import Secret


@dataclass(frozen=True, kw_only=True)
class RegistrySettings(SettingsGroup):
    """The schemas topic and the rules of registration."""

    group: ClassVar = Group.REGISTRY

    topic_name: Annotated[str, describe("Topic that holds the schemas.", "_schemas_eu")] = "_schemas"
    replication_factor: Annotated[
        int, describe("Replication factor of the schemas topic when this service creates it.", 3, ge=1, le=32_767)
    ] = 1
    compatibility: Annotated[
        CompatibilityLevel, describe("Compatibility level of subjects without a configured one.", "FULL_TRANSITIVE")
    ] = CompatibilityLevel.BACKWARD
    mode_mutability: Annotated[bool, describe("Whether requests may change the mode.")] = True
    schema_validation: Annotated[
        SchemaValidation,
        describe(
            "`strict`: a new schema must follow its specification. `reference`: every schema is accepted that the "
            "registry of the product in `api_dialect` accepts, Confluent's or Karapace's."
        ),
    ] = SchemaValidation.STRICT
    config_inheritance: Annotated[
        bool,
        describe(
            "Whether the config of a subject or context takes what it leaves out of `normalize`, `validateFields`, "
            "`validateNewSchemas`, `validateRules`, `compatibilityPolicy` and `compatibilityGroup` from the next outer "
            "config, as Confluent's newest branch does. Otherwise the nearest config counts alone. All nodes of a "
            "group need the same value."
        ),
    ] = False
    snapshot_directory: Annotated[
        str | None,
        describe(
            "Directory in which a node keeps the state of its registry when it stops, so that its next start need not "
            "read the whole schemas topic. It is created if it is missing; no other user may have access to it. Unset: "
            "each start reads the topic from its beginning.",
            "/var/lib/karapace-like/snapshots",
        ),
    ] = None
    registry_writes_max: Annotated[
        int, describe("Writes that wait at the primary; further writes are rejected with 429.", 200, ge=1)
    ] = 1_000


@dataclass(frozen=True, kw_only=True)
class DekRegistrySettings(SettingsGroup):
    """The keys of client-side field level encryption."""

    group: ClassVar = Group.DEK_REGISTRY

    dek_registry_enabled: Annotated[
        bool,
        describe(
            "Whether `/dek-registry/v1` is served. All nodes of a group need the same value. The topic of the keys is "
            "created if it is missing; where Kafka does not let the service use it, these calls are answered with 503."
        ),
    ] = True
    dek_registry_topic: Annotated[
        str | None,
        describe(
            "Topic that holds the keys, which a Confluent registry can read and continue. Unset: `_dek_registry_keys`; "
            "with another `topic_name` than `_schemas`, that name followed by `_dek_registry_keys`.",
            "_dek_registry_keys_eu",
        ),
    ] = None
    dek_registry_max_keys: Annotated[
        int, describe("Limit of KEKs, and of DEKs, soft-deleted ones included.", 100_000, ge=1)
    ] = 20_000
    dek_registry_show_secrets: Annotated[
        bool,
        describe(
            "Whether responses show the secrets among the properties of KEKs where no access control decides. With an "
            "authfile, the operation `read_secrets` decides instead."
        ),
    ] = False
    dek_registry_key_cache_seconds: Annotated[
        float,
        describe(
            "How long the service keeps DEKs in the clear in its memory, for REST clients whose records it encrypts "
            "and decrypts. 0: no longer than a request lasts, so that the KMS is called for each request.",
            60.0,
            ge=0.0,
        ),
    ] = 0.0
    dek_registry_kms_keys: Annotated[
        str,
        describe(
            "Beginnings of the URIs of KMS keys, separated by commas, that the service may use itself for shared KEKs: "
            "the type, `://` and the key's id. It connects to no other KMS, whatever a KEK says.",
            "local-kms://,hcvault://https://vault.example:8200/transit/",
        ),
    ] = "local-kms://"


@dataclass(frozen=True, kw_only=True)
class ClusterSettings(SettingsGroup):
    """Election of the primary, and forwarding."""

    group: ClassVar = Group.CLUSTER

    group_id: Annotated[
        str, describe("Kafka group in which the nodes elect the primary, the only writer.", "registry-eu")
    ] = "schema-registry"
    advertised_protocol: Annotated[
        Literal["http", "https"] | None,
        describe("`http` or `https`: how other nodes reach this one. Unset: as the first listener.", "https"),
    ] = None
    advertised_hostname: Annotated[
        str | None, describe("Host where other nodes reach this one. Unset: the address listened on.", "registry-1")
    ] = None
    advertised_port: Annotated[
        Port | None,
        describe("Port where other nodes reach this one. Unset: the first one listened on.", 8081),
    ] = None
    master_eligibility: Annotated[
        bool, describe("Whether this node can become primary; `false` makes a read replica that forwards writes.")
    ] = True
    master_election_strategy: Annotated[
        Strategy, describe("Which node becomes primary: the one with the `lowest` or `highest` URL, as a string.")
    ] = Strategy.LOWEST
    master_election_sticky: Annotated[
        bool, describe("Whether the primary keeps its role when a node joins that the strategy prefers.")
    ] = False
    session_timeout_ms: Annotated[
        int,
        describe(
            "Time without a heartbeat after which the other nodes elect without this one. Brokers accept 6000 or more "
            "by default.",
            6_000,
            ge=1,
            le=3_600_000,
        ),
    ] = 10_000
    waiting_time_before_acting_as_master_ms: Annotated[
        int, describe("Accepted and ignored: a new primary fences its predecessor and need not wait.", 5_000, ge=0)
    ] = 0
    fencing: Annotated[
        Fencing,
        describe(
            "How Kafka is made to reject the writes of a deposed primary. `epoch`: each term has an epoch, and the "
            "brokers reject batches of an earlier one. `transaction`: each batch is a transaction, unless another "
            "product is in the group or the cluster does not allow transactions. `auto`: `epoch`, or `transaction` "
            "with a warning where the cluster does not fence by epoch. `on`: one of the two always, or the node does "
            "not lead. `off`: neither."
        ),
    ] = Fencing.AUTO
    forwarding_secret: Annotated[
        Secret | None,
        describe(
            "Secret that all nodes of the group share. It authenticates forwarded requests; forged ones are rejected. "
            "Unset: any sender can mark a request as forwarded, as with other products.",
            "correct horse",
        ),
    ] = None
    forwarding_principals: Annotated[
        str | None,
        describe(
            "Principals of client certificates, as a regular expression for the whole name, that are nodes of the "
            "group; they authenticate forwarded requests as `forwarding_secret` does.",
            "registry-[0-9]+",
            form=REGULAR_EXPRESSION,
        ),
    ] = None
    forwarding_cafile: Annotated[
        str | None,
        describe(
            "PEM file of the CA certificates that verify other nodes. Unset: the system's.", "/etc/karapace/ca.pem"
        ),
    ] = None
    forwarding_certfile: Annotated[
        str | None,
        describe("PEM file of the certificate that this node presents to other nodes.", "/etc/karapace/node.pem"),
    ] = None
    forwarding_keyfile: Annotated[
        str | None,
        describe("PEM file of the private key. Unset: it is in `forwarding_certfile`.", "/etc/karapace/node.key"),
    ] = None
    forwarding_key_password: Annotated[Secret | None, describe("Passphrase of the private key.", "correct horse")] = (
        None
    )
