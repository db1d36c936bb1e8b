"""The closed sets of values that settings take, and a listener's address."""

import enum
from typing import NamedTuple


class SecurityProtocol(enum.StrEnum):
    """How the Kafka clients speak to the brokers."""

    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(enum.StrEnum):
    """How the Kafka clients prove who they are."""

    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"
    OAUTHBEARER = "OAUTHBEARER"
    GSSAPI = "GSSAPI"

    @property
    def has_password(self) -> bool:
        """Whether it takes a user name and a password."""
        return self not in {SaslMechanism.OAUTHBEARER, SaslMechanism.GSSAPI}


class SchemaValidation(enum.StrEnum):
    """How new schemas are judged."""

    STRICT = "strict"
    """By their specification."""
    REFERENCE = "reference"
    """Everything that the reference registry accepts is accepted, so that a migration never fails."""


class NameStrategy(enum.StrEnum):
    """Which subject the schemas of produced records belong to (Confluent, subject name strategies)."""

    TOPIC_NAME = "topic_name"
    RECORD_NAME = "record_name"
    TOPIC_RECORD_NAME = "topic_record_name"


class ClientAuth(enum.StrEnum):
    """Whether clients show a certificate."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Listener(NamedTuple):
    """Where to listen."""

    host: str
    port: int
    is_tls: bool = False

    @property
    def scheme(self) -> str:
        """Of its URLs."""
        return "https" if self.is_tls else "http"


class LogLevel(enum.StrEnum):
    """Which messages are logged."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"
