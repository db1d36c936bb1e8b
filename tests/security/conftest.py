"""A real broker that lets nobody in without credentials, and has ACLs: one for all tests of this folder."""

import base64
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from karapace_like.kafka.cluster import Cluster
from tests import leaks
from tests.service_process import ServiceProcess
from tests.web.access.certificates import Authority

SERVICE = "service"
"""May do everything."""
_KAFKA = "org.apache.kafka.common.security"


def token(name: str, *, seconds: float = 3600) -> str:
    """A token for a broker that checks no signatures."""
    now = time.time()
    parts = ({"alg": "none"}, {"sub": name, "iat": now - 5, "exp": now + seconds})
    made = ".".join(base64.urlsafe_b64encode(msgspec.json.encode(part)).decode().rstrip("=") for part in parts) + "."
    leaks.register(made)
    return made


class SecuredKafka:
    """The broker; `PLAINTEXT` is the tests' own way in, with all rights."""

    def __init__(self, folder: Path) -> None:
        authority = Authority("kafka")
        self.cafile = authority.write(folder / "ca.pem")
        self.certfile = authority.issue(folder / "service.pem", f"CN={SERVICE}")
        keystore = authority.issue(folder / "broker.pem", "CN=broker")
        self.passwords = {name: secrets.token_urlsafe(16) for name in (SERVICE, "alice", "bob")}
        leaks.register(*self.passwords.values())
        self.folder = folder
        self.cluster = Cluster(
            listeners={"SASL": "SASL_PLAINTEXT", "TLS": "SSL", "BOTH": "SASL_SSL"},
            properties=_properties(self.cafile, keystore, self.passwords),
        )

    def prepare(self) -> None:
        """Make the users of SCRAM."""
        self.admin = AdminClient({"bootstrap.servers": self.cluster.bootstrap_servers})
        for name, password in self.passwords.items():
            self.set_password(name, password)

    def set_password(self, name: str, password: str) -> None:
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):
            info = ScramCredentialInfo(mechanism, 4096)
            upsertion = UserScramCredentialUpsertion(name, info, password.encode())
            self.admin.alter_user_scram_credentials([upsertion])[name].result()

    def topic_of(self, *names: str) -> str:
        """A topic that only these may read and write."""
        topic = f"of-{'-'.join(names)}-{secrets.token_hex(6)}"
        self.admin.create_topics([NewTopic(topic, 1, 1)])[topic].result()
        for name in names:
            self.allow(name, ResourceType.TOPIC, topic)
        return topic

    def allow(self, name: str, kind: Any, resource: str, operation: Any = AclOperation.ALL) -> None:
        """Let the user do this with what begins so, as soon as this returns: the broker hears of it last."""
        terms = (
            *(kind, resource, ResourcePatternType.PREFIXED),
            *(f"User:{name}", "*", operation, AclPermissionType.ALLOW),
        )
        binding = AclBinding(*terms)
        self.admin.create_acls([binding])[binding].result()
        while not self.admin.describe_acls(AclBindingFilter(*terms)).result():
            pass


def _properties(cafile: Path, keystore: Path, passwords: dict[str, str]) -> dict[str, object]:
    users = " ".join(f'user_{name}="{password}"' for name, password in passwords.items())
    tls = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keystore,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": cafile,
    }
    scram = f"{_KAFKA}.scram.ScramLoginModule required;"
    oauth = f'{_KAFKA}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="x";'
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:ANONYMOUS;User:{SERVICE};User:CN={SERVICE}",
        **tls,
        "listener.name.tls.ssl.client.auth": "required",
        "listener.name.sasl.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
        "listener.name.sasl.plain.sasl.jaas.config": f"{_KAFKA}.plain.PlainLoginModule required {users};",
        "listener.name.sasl.scram-sha-256.sasl.jaas.config": scram,
        "listener.name.sasl.scram-sha-512.sasl.jaas.config": scram,
        "listener.name.both.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.both.scram-sha-512.sasl.jaas.config": scram,
        "listener.name.sasl.oauthbearer.sasl.jaas.config": oauth,
    }


@pytest.fixture(scope="session")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """The broker, running."""
    kafka = SecuredKafka(tmp_path_factory.mktemp("secured-kafka"))
    with kafka.cluster:
        kafka.prepare()
        yield kafka


@pytest.fixture(scope="module")
def guarded(secured: SecuredKafka) -> Iterator[ServiceProcess]:
    """A service that may do everything itself, and lets Kafka decide for its callers."""
    with ServiceProcess(
        secured.cluster.servers("SASL"),
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_plain_username=SERVICE,
        sasl_plain_password=secured.passwords[SERVICE],
        rest_authorization="true",
    ) as service:
        yield service
