"""The settings: their names, types, defaults and descriptions, and what follows from several of them.

Names are Karapace's. Where values come from is in `sources.py`, which of them go together in `checks.py`.
"""

from typing import Annotated, Any, NamedTuple

import msgspec

from karapace_like.config.choices import (
    ClientAuth,
    Listener,
    LogLevel,
    NameStrategy,
    SaslMechanism,
    SchemaValidation,
    SecurityProtocol,
)
from karapace_like.config.errors import ConfigError
from karapace_like.leadership import Fencing, Strategy
from karapace_like.proxy.settings import OffsetReset, Undecodable
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.secret import Secret

_DEFAULT_PORTS = (8081, 8082)


def _about(description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The service's settings. Times are in the unit that the name ends with; descriptions become documentation."""

    bootstrap_uri: Annotated[str, _about("Kafka's brokers: `host:port`, comma separated.")] = "127.0.0.1:9092"
    client_id: Annotated[str, _about("What Kafka's logs and quotas call this service.")] = "karapace-like"

    host: Annotated[str, _about("Address to listen on; `0.0.0.0` is every interface.")] = "127.0.0.1"
    port: Annotated[int | None, _about("The only port to listen on. Unset: 8081 and 8082.")] = None
    listeners: Annotated[
        str | None, _about("`http://host:port` or `https://host:port`, comma separated; wins over host and port.")
    ] = None
    advertised_protocol: Annotated[
        str | None, _about("How others reach this node: `http` or `https`. Unset: as the first listener speaks.")
    ] = None
    advertised_hostname: Annotated[
        str | None, _about("How others reach this node. Unset: the address listened on.")
    ] = None
    advertised_port: Annotated[int | None, _about("How others reach this node. Unset: the first port.")] = None
    rest_base_uri: Annotated[
        str | None, _about("Begins the `base_uri` of consumer instances. Unset: as requested.")
    ] = None
    connect_url: Annotated[
        str | None, _about("Kafka Connect's workers, comma separated: their API is served, too. Unset: it is not.")
    ] = None
    workers: Annotated[
        int, msgspec.Meta(ge=1, le=64, description="Processes that serve as one node, each on a core of its own.")
    ] = 1
    http_request_max_size: Annotated[int, _about("Bytes of a request body at most; more is answered 413.")] = (
        16 * 1024 * 1024
    )
    http_request_patience_ms: Annotated[
        int,
        _about("How long a client may leave off within a request; up to twice as long, and it is let go. 0: for ever."),
    ] = 60_000

    server_tls_certfile: Annotated[
        str | None,
        _about("File with the service's certificate and its chain. Without `listeners`, it makes every port HTTPS."),
    ] = None
    server_tls_keyfile: Annotated[str | None, _about("File with the certificate's key. Unset: the certificate's.")] = (
        None
    )
    server_tls_password: Annotated[Secret | None, _about("Of that key.")] = None
    server_tls_cafile: Annotated[str | None, _about("File with the certificates that clients' are checked by.")] = None
    server_tls_client_auth: Annotated[
        ClientAuth, _about("Whether clients show a certificate: `none`, `optional` or `required`.")
    ] = ClientAuth.NONE
    server_tls_principal_mapping_rules: Annotated[
        str,
        _about(
            "From a client certificate's subject to a principal, as Kafka's `ssl.principal.mapping.rules`: "
            "`RULE:pattern/replacement/[LU]`, comma separated, and `DEFAULT`: the subject itself."
        ),
    ] = "DEFAULT"

    registry_authfile: Annotated[
        str | None, _about("File with users and what they may do; see [security](security.md). Unset: no passwords.")
    ] = None
    sasl_oauthbearer_authentication_enabled: Annotated[bool, _about("Whether bearer tokens (OIDC) are taken.")] = False
    sasl_oauthbearer_jwks_endpoint_url: Annotated[str | None, _about("Where the issuer shows its keys.")] = None
    sasl_oauthbearer_allow_insecure_jwks: Annotated[bool, _about("Whether that may be an `http` URL.")] = False
    sasl_oauthbearer_expected_issuer: Annotated[str | None, _about("What `iss` must be. Unset: any.")] = None
    sasl_oauthbearer_expected_audience: Annotated[
        str | None, _about("What `aud` must hold, or one of several, comma separated. Unset: any.")
    ] = None
    sasl_oauthbearer_client_id: Annotated[str | None, _about("What `azp` must be, if that is enforced.")] = None
    sasl_oauthbearer_enforce_azp: Annotated[bool, _about("Whether `azp` must be the client id.")] = False
    sasl_oauthbearer_require_access_token_typ: Annotated[
        bool, _about("Whether the token's header must have the `typ` `at+jwt` (RFC 9068).")
    ] = False
    sasl_oauthbearer_leeway_seconds: Annotated[int, _about("How far the issuer's clock may be off.")] = 0
    sasl_oauthbearer_sub_claim_name: Annotated[str, _about("The claim that names the principal.")] = "sub"
    sasl_oauthbearer_roles_claim_path: Annotated[
        str | None, _about("The claim that lists roles, with what it is inside of: `realm_access.roles`.")
    ] = None
    sasl_oauthbearer_authorization_enabled: Annotated[
        bool, _about("Whether a token's roles decide, by HTTP method; beside what the authfile grants.")
    ] = False
    sasl_oauthbearer_method_roles: Annotated[
        dict[str, tuple[str, ...]], _about('HTTP method -> roles that may call with it: `{"GET": ["reader"]}`.')
    ] = {}
    sasl_oauthbearer_skip_auth_paths: Annotated[
        tuple[str, ...], _about("Paths that need no credentials of whatever kind.")
    ] = ("/_health", "/master_available", "/health/live", "/health/ready", "/health/startup", "/metrics")
    explicit_registration_subjects: Annotated[
        str | None,
        _about(
            "Subjects (a regular expression for the whole name) that producers cannot add schemas to: a new one is "
            "registered only with `explicit=true` in the query."
        ),
    ] = None

    http_requests_max: Annotated[
        int,
        _about(
            "Requests that one process answers at the same time, polls included; more are answered 429. Not health."
        ),
    ] = 2_000
    http_principal_requests_per_second: Annotated[
        int,
        msgspec.Meta(
            ge=0,
            description="What one principal may ask one process for, on an average of ten seconds; more is answered "
            "429. 0: without bound. With a bound, nothing is answered from memory below aiohttp.",
        ),
    ] = 0
    http_principal_bytes_per_second: Annotated[
        int, msgspec.Meta(ge=0, description="The same for the bytes of requests and answers. 0: without bound.")
    ] = 0
    registry_writes_max: Annotated[
        int, _about("Writes to the registry that wait at the primary; more are answered 429.")
    ] = 1_000

    karapace_registry: Annotated[bool, _about("Whether the schema registry is served.")] = True
    karapace_rest: Annotated[bool, _about("Whether the REST proxy is served.")] = True

    registry_host: Annotated[
        str | None, _about("Where the REST proxy finds schemas: another registry's host. Unset: in this service.")
    ] = None
    registry_port: Annotated[int, _about("Of that registry.")] = 8081
    registry_scheme: Annotated[str, _about("`http` or `https`: how that registry is asked.")] = "http"
    registry_ca: Annotated[
        str | None, _about("File with the certificates that that registry's is checked by. Unset: the system's.")
    ] = None
    registry_user: Annotated[str | None, _about("Who this service is to that registry.")] = None
    registry_password: Annotated[Secret | None, _about("Of that user.")] = None

    group_id: Annotated[str, _about("The group of nodes that elect one primary, which writes.")] = "schema-registry"
    master_eligibility: Annotated[bool, _about("`false`: a read replica, which forwards writes.")] = True
    master_election_strategy: Annotated[
        Strategy, _about("`lowest` or `highest`: whose URL, compared as strings, becomes primary.")
    ] = Strategy.LOWEST
    master_election_sticky: Annotated[bool, _about("Whether a primary stays it when a preferred node joins.")] = False
    forwarding_secret: Annotated[
        Secret | None,
        _about(
            "The same for all nodes of the group: what one sends on carries it, and what only seems to be sent on is "
            "refused. Unset: marks of any sender count, as with other products."
        ),
    ] = None
    forwarding_cafile: Annotated[
        str | None, _about("File with the certificates that other nodes' are checked by. Unset: the system's.")
    ] = None
    forwarding_certfile: Annotated[str | None, _about("File with the certificate that other nodes are shown.")] = None
    forwarding_keyfile: Annotated[str | None, _about("File with its key. Unset: the certificate's.")] = None
    forwarding_key_password: Annotated[Secret | None, _about("Of that key.")] = None
    forwarding_principals: Annotated[
        str | None,
        _about(
            "Principals of client certificates that are nodes of the group (a regular expression for the whole name): "
            "as `forwarding_secret`, they prove what is sent on."
        ),
    ] = None
    session_timeout_ms: Annotated[
        int, _about("How long a node may be silent before the others elect without it. Brokers want 6000 or more.")
    ] = 10_000
    waiting_time_before_acting_as_master_ms: Annotated[
        int, _about("Accepted and not used: a new primary fences the last one and need not wait for it.")
    ] = 0
    fencing: Annotated[
        Fencing,
        _about(
            "Whether the primary writes in transactions, which a deposed one cannot: `on`, `off`, or `auto`: "
            "unless another product is in the group, or the cluster forbids it."
        ),
    ] = Fencing.AUTO

    topic_name: Annotated[str, _about("The topic that holds the schemas.")] = "_schemas"
    replication_factor: Annotated[int, _about("Of the schemas topic, when it is made.")] = 1
    compatibility: Annotated[CompatibilityLevel, _about("The level that holds where none is configured.")] = (
        CompatibilityLevel.BACKWARD
    )
    mode_mutability: Annotated[bool, _about("Whether requests can change modes.")] = True
    schema_validation: Annotated[
        SchemaValidation,
        _about(
            "`strict`: new schemas must follow their specification. `reference`: what Confluent accepts is accepted."
        ),
    ] = SchemaValidation.STRICT

    producer_acks: Annotated[str, _about("`all`, `1` or `0`: which replicas must have a record.")] = "all"
    producer_compression_type: Annotated[str, _about("`none`, `gzip`, `snappy`, `lz4` or `zstd`.")] = "none"
    producer_linger_ms: Annotated[
        int,
        _about(
            "How long a record may wait for others to be sent with it. While other requests are under way, those with "
            "many records, and all where brokers take long to acknowledge, wait 5 ms at least: the Kafka client takes "
            "more CPU where a batch is due before the last one is acknowledged."
        ),
    ] = 1
    producer_max_request_size: Annotated[int, _about("Bytes of one record at most, also of a schema's.")] = 1_048_576
    producer_overrides_allowed: Annotated[
        str,
        _about(
            "What requests to the REST proxy may set for themselves, comma separated: `acks`, `compression`, "
            "`partitioner`, `delivery_timeout_ms`."
        ),
    ] = ""
    producer_max_records: Annotated[int, _about("Records of one request to the REST proxy; more are answered 413.")] = (
        100_000
    )
    producer_max_batch_entries: Annotated[
        int, _about("Records of one `records:batch` of REST v3; more are answered 42206.")
    ] = 10
    producer_max_nesting: Annotated[
        int,
        msgspec.Meta(
            ge=2, le=500, description="How deep objects and lists may be nested in a record of REST v3, 500 at most."
        ),
    ] = 500
    producer_max_records_under_way: Annotated[
        int, _about("Records of all requests to one process that Kafka has not confirmed; more are answered 429.")
    ] = 100_000
    producer_request_timeout_ms: Annotated[int, _about("How long a request to write records takes at most.")] = 30_000
    producer_delivery_timeout_ms: Annotated[
        int, _about("How long a record may take until the brokers have it; then it has failed.")
    ] = 15_000
    name_strategy: Annotated[
        NameStrategy,
        _about(
            "The subject of a produced record's schema: `topic_name` (`topic-key`, `topic-value`), `record_name`, or "
            "`topic_record_name`. A request may say it for itself."
        ),
    ] = NameStrategy.TOPIC_NAME
    consumer_enable_auto_commit: Annotated[bool, _about("Whether instances commit unless they say otherwise.")] = True
    consumer_request_timeout_ms: Annotated[int, _about("How long a poll waits for records.")] = 1_000
    consumer_request_max_bytes: Annotated[int, _about("Bytes of records in one answer at most.")] = 67_108_864
    consumer_idle_disconnect_timeout: Annotated[int, _about("Seconds after which an idle instance ends; 0: never.")] = (
        300
    )
    consumer_park_timeout: Annotated[
        int, _about("Seconds after which an idle instance leaves its group until the next request; 0: never.")
    ] = 60
    consumer_auto_offset_reset: Annotated[
        OffsetReset, _about("`earliest`, `latest` or `none`: where groups begin that have committed nothing.")
    ] = OffsetReset.LATEST
    consumer_record_timestamps: Annotated[
        bool, _about("Whether records show their `timestamp`, in milliseconds since the epoch.")
    ] = False
    consumer_undecodable: Annotated[
        Undecodable,
        _about(
            "A record that cannot be decoded: `refuse` answers 40801 until the reader seeks past it, as Confluent; "
            "`report` answers it with an error in place of key and value. Instances and requests may say it themselves."
        ),
    ] = Undecodable.REFUSE
    consumer_max_instances: Annotated[
        int, _about("Consumer instances at the same time, in each worker; more are answered 429.")
    ] = 1_000
    consumer_max_instances_of_user: Annotated[
        int, _about("Consumer instances of one user, whom his credentials name, in each worker; more are answered 429.")
    ] = 250
    consumer_max_reads: Annotated[
        int,
        _about(
            "Reads without an instance at the same time, in each worker; others wait for a turn, then are answered 429."
        ),
    ] = 16
    consumer_max_streams: Annotated[
        int, _about("Topics pushed to clients at the same time, in each worker; more are answered 429.")
    ] = 64
    fetch_min_bytes: Annotated[int, _about("Bytes that must be there before a poll answers early.")] = 1

    metadata_max_age_ms: Annotated[int, _about("How often the cluster is asked what has changed.")] = 60_000
    connections_max_idle_ms: Annotated[int, _about("When idle connections to brokers are closed; 0: never.")] = 0
    security_protocol: Annotated[SecurityProtocol, _about("How to speak to the brokers.")] = SecurityProtocol.PLAINTEXT
    ssl_cafile: Annotated[str | None, _about("File with the certificates that the brokers' are checked by.")] = None
    ssl_certfile: Annotated[str | None, _about("File with the client's certificate.")] = None
    ssl_keyfile: Annotated[str | None, _about("File with the client's key.")] = None
    ssl_password: Annotated[Secret | None, _about("Of the client's key.")] = None
    ssl_crlfile: Annotated[str | None, _about("File with revoked certificates.")] = None
    ssl_ciphers: Annotated[str | None, _about("Allowed cipher suites, as OpenSSL writes them.")] = None
    ssl_check_hostname: Annotated[bool, _about("Whether a broker's certificate must name its host.")] = True
    sasl_mechanism: Annotated[
        SaslMechanism | None, _about("`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`, `OAUTHBEARER` or `GSSAPI`.")
    ] = None
    sasl_plain_username: Annotated[str | None, _about("The user, of `PLAIN` and `SCRAM`.")] = None
    sasl_plain_password: Annotated[Secret | None, _about("The password, of `PLAIN` and `SCRAM`.")] = None
    sasl_oauth_token: Annotated[Secret | None, _about("For `OAUTHBEARER`: the token.")] = None
    sasl_oauth_token_endpoint_url: Annotated[
        str | None, _about("For `OAUTHBEARER`: where an issuer gives tokens to `sasl_oauth_client_id`.")
    ] = None
    sasl_oauth_client_id: Annotated[str | None, _about("Who this service is to that issuer.")] = None
    sasl_oauth_client_secret: Annotated[Secret | None, _about("Of that client.")] = None
    sasl_oauth_scope: Annotated[str | None, _about("What that token is asked to be for.")] = None
    rest_authorization: Annotated[
        bool, _about("Whether callers of the REST proxy are somebody in Kafka: who their Basic or Bearer header names.")
    ] = False
    sasl_bootstrap_uri: Annotated[
        str | None, _about("Where brokers take callers' credentials. Unset: `bootstrap_uri`.")
    ] = None
    rest_authorization_max_users: Annotated[
        int, msgspec.Meta(ge=1, description="Callers with Kafka clients of their own at once; more are answered 429.")
    ] = 100
    rest_authorization_idle_timeout: Annotated[
        int, _about("Seconds after which the clients of a caller are let go who asks for nothing and has no instances.")
    ] = 300
    rest_authorization_proof_timeout: Annotated[
        int,
        _about("Seconds after which credentials are shown to the brokers again: a changed password goes on so long."),
    ] = 300
    sasl_kerberos_service_name: Annotated[str, _about("For `GSSAPI`: the brokers' service.")] = "kafka"
    sasl_kerberos_principal: Annotated[str | None, _about("For `GSSAPI`: who this service is.")] = None
    sasl_kerberos_keytab: Annotated[str | None, _about("For `GSSAPI`: file with that principal's key.")] = None

    log_level: Annotated[LogLevel, _about("What is logged.")] = LogLevel.INFO
    log_format: Annotated[
        str, _about("`json`: an object a line. Else as Python's logging formats it, with `request_id` besides.")
    ] = "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s]: %(message)s"

    telemetry_otel_endpoint_url: Annotated[
        str | None,
        _about(
            "The OpenTelemetry collector that is sent traces and metrics (OTLP over HTTP, port 4318 as a rule), "
            "without `/v1/traces`. It needs the extra `otel`. Unset: nothing is traced."
        ),
    ] = None
    telemetry_resource_service_name: Annotated[str, _about("What the collector calls this service.")] = "karapace-like"
    telemetry_metrics_export_interval_milliseconds: Annotated[
        int, msgspec.Meta(ge=100, description="How often metrics are sent to it.")
    ] = 10_000
    telemetry_trace_records: Annotated[
        bool, _about("Whether records that are produced get the request's `traceparent` as a header.")
    ] = False

    @property
    def addresses(self) -> tuple[Listener, ...]:
        """Where to listen; port 0 takes a free one."""
        if self.listeners is None:
            ports = _DEFAULT_PORTS if self.port is None else (self.port,)
            return tuple(Listener(self.host, port, self.server_tls_certfile is not None) for port in ports)
        return tuple(_listener(each.strip()) for each in self.listeners.split(",") if each.strip())

    @property
    def registry_url(self) -> str | None:
        """The other registry; None if there is none."""
        if self.registry_host is None:
            return None
        host = f"[{self.registry_host}]" if ":" in self.registry_host else self.registry_host
        return f"{self.registry_scheme}://{host}:{self.registry_port}"

    @property
    def connect_urls(self) -> tuple[str, ...]:
        """The address of each Kafka Connect worker."""
        return tuple(each.strip() for each in (self.connect_url or "").split(",") if each.strip())


def _listener(listener: str) -> Listener:
    scheme, separator, rest = listener.partition("://")
    host, _, port = (rest if separator else listener).rstrip("/").rpartition(":")
    if (separator and scheme.lower() not in {"http", "https"}) or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"listeners: {listener!r} is not of the form http://host:port or https://host:port")
    return Listener(host.strip("[]") or "0.0.0.0", int(port), scheme.lower() == "https")  # noqa: S104 - an empty host asks for every interface


class Setting(NamedTuple):
    """One setting, as documentation shows it."""

    name: str
    description: str
    default: Any


def described() -> list[Setting]:
    """Every setting, in the order of the class."""
    defaults = Settings()
    return [
        Setting(name, annotation.__metadata__[0].description, getattr(defaults, name))
        for name, annotation in Settings.__annotations__.items()
    ]
