"""Settings of access control: users, quotas and bearer tokens."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from karapace_like.config.description import Group, SettingsGroup, describe
from karapace_like.config.forms import REGULAR_EXPRESSION, URL


@dataclass(frozen=True, kw_only=True)
class AccessSettings(SettingsGroup):
    """Users, permissions and quotas."""

    group: ClassVar = Group.ACCESS

    registry_authfile: Annotated[
        str | None,
        describe(
            "JSON file of users, password hashes and permissions; see [security](security.md). Unset: passwords are "
            "not checked.",
            "/etc/karapace/authfile.json",
        ),
    ] = None
    explicit_registration_subjects: Annotated[
        str | None,
        describe(
            "Subjects, as a regular expression for the whole name, that producers cannot register schemas for by "
            "chance: a new version needs `explicit=true` in the query.",
            "orders-.*",
            form=REGULAR_EXPRESSION,
        ),
    ] = None
    http_principal_requests_per_second: Annotated[
        int,
        describe(
            "Requests a second that one principal may send to one worker process, averaged over ten seconds; further "
            "requests are rejected with 429. 0: no limit. A limit turns off the response cache below aiohttp.",
            50,
            ge=0,
        ),
    ] = 0
    http_principal_bytes_per_second: Annotated[
        int,
        describe(
            "Bytes a second, of requests and responses together, for one principal at one worker process; further "
            "requests are rejected with 429. 0: no limit.",
            10_000_000,
            ge=0,
        ),
    ] = 0


@dataclass(frozen=True, kw_only=True)
class TokenSettings(SettingsGroup):
    """Callers that present a JWT of an OpenID Connect issuer."""

    group: ClassVar = Group.TOKENS

    sasl_oauthbearer_authentication_enabled: Annotated[
        bool, describe("Whether bearer tokens (OIDC) authenticate callers.")
    ] = False
    sasl_oauthbearer_jwks_endpoint_url: Annotated[
        str | None, describe("URL of the issuer's key set (JWKS).", "https://login.example.org/keys", form=URL)
    ] = None
    sasl_oauthbearer_allow_insecure_jwks: Annotated[
        bool, describe("Whether `sasl_oauthbearer_jwks_endpoint_url` may be an `http` URL.")
    ] = False
    sasl_oauthbearer_expected_issuer: Annotated[
        str | None, describe("Required value of the claim `iss`. Unset: any.", "https://login.example.org/")
    ] = None
    sasl_oauthbearer_expected_audience: Annotated[
        str | None, describe("Audiences, comma separated, one of which `aud` must hold. Unset: any.", "registry,kafka")
    ] = None
    sasl_oauthbearer_client_id: Annotated[
        str | None, describe("Required value of the claim `azp`, with `sasl_oauthbearer_enforce_azp`.", "registry")
    ] = None
    sasl_oauthbearer_enforce_azp: Annotated[
        bool, describe("Whether the claim `azp` must equal `sasl_oauthbearer_client_id`.")
    ] = False
    sasl_oauthbearer_require_access_token_typ: Annotated[
        bool, describe("Whether the token's header must have the `typ` `at+jwt` (RFC 9068).")
    ] = False
    sasl_oauthbearer_leeway_seconds: Annotated[
        int, describe("Tolerated difference between the clocks of the issuer and this node.", 30, ge=0)
    ] = 0
    sasl_oauthbearer_sub_claim_name: Annotated[
        str, describe("Claim that names the principal.", "preferred_username")
    ] = "sub"
    sasl_oauthbearer_roles_claim_path: Annotated[
        str | None, describe("Path of the claim that lists roles; dots separate its parts.", "realm_access.roles")
    ] = None
    sasl_oauthbearer_authorization_enabled: Annotated[
        bool,
        describe("Whether a token's roles grant HTTP methods, in addition to the permissions of the authfile."),
    ] = False
    sasl_oauthbearer_method_roles: Annotated[
        dict[str, tuple[str, ...]],
        describe(
            "HTTP methods, each with the roles that may use it.", '{"GET": ["reader", "writer"], "POST": ["writer"]}'
        ),
    ] = field(default_factory=dict)
    sasl_oauthbearer_skip_auth_paths: Annotated[
        tuple[str, ...],
        describe("Paths that need no credentials of any kind, password or token.", '["/health/live", "/health/ready"]'),
    ] = ("/_health", "/master_available", "/health/live", "/health/ready", "/health/startup", "/metrics")
