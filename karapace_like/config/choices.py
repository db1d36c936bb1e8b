"""Enumerations of setting values, and the address of a listener."""

import enum
from typing import Annotated, NamedTuple, TypeAlias

import msgspec

from karapace_like.web.http.api_roles import ALL_ROLES, ApiRoles
from karapace_like.web.http.dialects import Dialect

MAX_PORT = 65_535
Port: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MAX_PORT)]
"""A port; 0 means any free one."""


class SecurityProtocol(enum.StrEnum):
    """Protocol between the Kafka clients and the brokers."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(enum.StrEnum):
    """SASL mechanism of the Kafka clients."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"
    GSSAPI = "GSSAPI"

    @property
    def has_password(self) -> bool:
        """Whether it uses a user name and a password."""
        return self not in {SaslMechanism.OAUTHBEARER, SaslMechanism.GSSAPI}


class SchemaValidation(enum.StrEnum):
    """Rules that a new schema must satisfy."""

    STRICT = "strict"
    """The specification of its format."""
    REFERENCE = "reference"
    """Those of the product that `api_dialect` names, so that every schema of a migration is accepted."""


class PoliciesEnabled(enum.StrEnum):
    """Whether requests can set topic policies, which a topic holds."""

    AUTO = "auto"
    """Unless Kafka denies the service that topic."""
    TRUE = "true"
    FALSE = "false"


class NameStrategy(enum.StrEnum):
    """Subject of the schema of a produced record (Confluent's subject name strategies)."""

    TOPIC_NAME = "topic_name"
    RECORD_NAME = "record_name"
    TOPIC_RECORD_NAME = "topic_record_name"


class ClientAuth(enum.StrEnum):
    """Whether clients present a certificate."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Listener(NamedTuple):
    """An address to listen on."""

    host: str
    port: int
    is_tls: bool = False
    dialect: Dialect = Dialect.CONFLUENT
    roles: ApiRoles = ALL_ROLES
    """What is served there."""

    @property
    def scheme(self) -> str:
        """The scheme of its URL."""
        return "https" if self.is_tls else "http"


class LogLevel(enum.StrEnum):
    """Lowest level that is logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class AccessLogFormat(enum.StrEnum):
    """Whether each request is logged, and how."""

    OFF = "off"
    TEXT = "text"
    """A sentence in the format of `log_format`."""
    JSON = "json"
    """One object a line, whatever `log_format` is."""
