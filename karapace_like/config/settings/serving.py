"""Settings of the HTTP server: addresses, limits and TLS."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from karapace_like.config.choices import ClientAuth, Port
from karapace_like.config.description import Group, SettingsGroup, describe
from karapace_like.config.forms import HEADER_NAMES, HOST, HTTP_METHODS, MAPPING_RULES, ORIGINS, URLS
from karapace_like.secret import Secret
from karapace_like.web.http.dialects import Dialect


@dataclass(frozen=True, kw_only=True)
class HttpSettings(SettingsGroup):
    """Where the service listens, which APIs it serves, and the limits of requests."""

    group: ClassVar = Group.HTTP

    host: Annotated[
        str,
        describe("Address to listen on; `0.0.0.0` means every interface.", "0.0.0.0", form=HOST),  # noqa: S104 - an example
    ] = "127.0.0.1"
    port: Annotated[
        Port | None, describe("The only port to listen on; 0: any free one. Unset: 8081 and 8082.", 8081)
    ] = None
    listeners: Annotated[
        str | None,
        describe(
            "Addresses to listen on, comma separated, instead of `host` and `port`. `?serves=data+operations` behind "
            "one limits what is served there: `registry`, `management` (topics, groups, configs, ACLs, Connect), "
            "`data` (produce and consume), `rest` (both of these), `console`, `operations` (health, metrics). "
            "`?api_dialect=karapace` is for that address; `&` joins the two.",
            "http://127.0.0.1:8081,https://0.0.0.0:8443?serves=data+operations&api_dialect=karapace",
        ),
    ] = None
    api_dialect: Annotated[
        Dialect,
        describe(
            "Whose clients are answered: `confluent`, or `karapace` where Karapace answers in another way "
            "([the differences](dialects.md)). A listener may have another one.",
        ),
    ] = Dialect.CONFLUENT
    karapace_registry: Annotated[bool, describe("Whether the schema registry is served.")] = True
    karapace_rest: Annotated[bool, describe("Whether the Kafka REST proxy is served.")] = True
    console: Annotated[
        bool, describe("Whether the [console](console.md), pages for people, is served at `/console`.", False)
    ] = True
    console_writes: Annotated[
        bool | None,
        describe(
            "Whether the console offers changes, each of which needs its permission. `false`: it only shows. Unset: "
            "with access control, and otherwise to browsers on this machine.",
            True,
        ),
    ] = None
    connect_url: Annotated[
        str | None,
        describe(
            "Kafka Connect workers, comma separated; their REST API is served, too. Unset: it is not.",
            "http://connect-1:8083,http://connect-2:8083",
            form=URLS,
        ),
    ] = None
    workers: Annotated[
        int, describe("Worker processes of this node, 64 at most; each uses a core of its own.", 4, ge=1, le=64)
    ] = 1
    http_request_max_size: Annotated[
        int, describe("Largest request body in bytes; a larger one is rejected with 413.", 1_048_576, ge=1)
    ] = 16 * 1024 * 1024
    http_request_patience_ms: Annotated[
        int,
        describe(
            "Longest pause of a client in the middle of a request. The connection is closed after this time, at most "
            "twice it. 0: no limit.",
            10_000,
            ge=0,
        ),
    ] = 60_000
    http_requests_max: Annotated[
        int,
        describe(
            "Concurrent requests of one worker process, polls included and health checks excluded; further requests "
            "are rejected with 429.",
            500,
            ge=1,
        ),
    ] = 2_000
    http_allowed_hosts: Annotated[
        str | None,
        describe(
            "Host names of the `Host` header that are served, comma separated, besides loopback names; others are "
            "rejected with 421. Unset: all, except on a node without access control that listens on loopback only, "
            "where a web page could otherwise have its own name resolve to this node (DNS rebinding).",
            "registry.example.org,kafka.example.org",
        ),
    ] = None
    cors_allowed_origins: Annotated[
        str | None,
        describe(
            "Origins whose web pages may call every API from a browser (CORS), comma separated; `*`: all. Unset: none; "
            "see [browsers](security.md#browsers).",
            "https://app.example.org,http://localhost:3000",
            form=ORIGINS,
        ),
    ] = None
    cors_allowed_methods: Annotated[
        str, describe("Methods that those pages may use, comma separated.", "GET,POST", form=HTTP_METHODS)
    ] = "GET,HEAD,POST,PUT,PATCH,DELETE"
    cors_allowed_headers: Annotated[
        str,
        describe(
            "Request headers that those pages may set, comma separated.",
            "Accept,Authorization,Content-Type",
            form=HEADER_NAMES,
        ),
    ] = "Accept,Authorization,Content-Type,If-None-Match,X-Request-ID"
    cors_allow_credentials: Annotated[
        bool,
        describe(
            "Whether browsers may add a user's cookies, client certificate and cached password to the requests of "
            "those pages; not with `cors_allowed_origins=*`.",
            True,
        ),
    ] = False
    shutdown_delay_ms: Annotated[
        int,
        describe(
            "Time after `SIGTERM` during which `/health/ready` is 503 and every request is still answered, so that "
            "load balancers send further ones to other nodes. Then the node stops. A second signal ends the delay.",
            10_000,
            ge=0,
            le=600_000,
        ),
    ] = 0
    http_response_cache: Annotated[
        bool,
        describe(
            "Whether a repeated request is answered from the response cache, without aiohttp's parser and router: a "
            "third of the CPU for reads by id. `false`: aiohttp serves every request.",
            False,
        ),
    ] = True


@dataclass(frozen=True, kw_only=True)
class TlsSettings(SettingsGroup):
    """HTTPS and client certificates."""

    group: ClassVar = Group.TLS

    server_tls_certfile: Annotated[
        str | None,
        describe(
            "PEM file of the server certificate and its chain. Without `listeners`, every port speaks HTTPS then.",
            "/etc/karapace/server.pem",
        ),
    ] = None
    server_tls_keyfile: Annotated[
        str | None,
        describe("PEM file of the private key. Unset: it is in `server_tls_certfile`.", "/etc/karapace/server.key"),
    ] = None
    server_tls_password: Annotated[Secret | None, describe("Passphrase of the private key.", "correct horse")] = None
    server_tls_cafile: Annotated[
        str | None,
        describe("PEM file of the CA certificates that verify client certificates.", "/etc/karapace/clients-ca.pem"),
    ] = None
    server_tls_client_auth: Annotated[
        ClientAuth, describe("Whether clients present a certificate: `none`, `optional` or `required`.", "required")
    ] = ClientAuth.NONE
    server_tls_principal_mapping_rules: Annotated[
        str,
        describe(
            "Rules that map the subject of a client certificate to a principal, as Kafka's "
            "`ssl.principal.mapping.rules`: `RULE:pattern/replacement/[LU]`, comma separated. `DEFAULT` is the subject "
            "itself.",
            "RULE:^CN=([^,]+),.*$/$1/,DEFAULT",
            form=MAPPING_RULES,
        ),
    ] = "DEFAULT"
