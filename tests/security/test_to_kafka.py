"""Registry and proxy before a broker that wants to know who they are, by each mechanism that it may ask for."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from karapace_like.config import ConfigError, SaslMechanism, SecurityProtocol, load
from karapace_like.config.kafka_access import make_kafka_settings
from tests.forms import shorten
from tests.security.conftest import SERVICE, SecuredKafka, token
from tests.service_process import ServiceProcess

AVRO = {"Content-Type": "application/vnd.kafka.avro.v2+json"}
SECRET = "secret-of-the-client"


def passwords(kafka: SecuredKafka, mechanism: str) -> dict[str, Any]:
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": mechanism,
        "sasl_plain_username": SERVICE,
        "sasl_plain_password": kafka.passwords[SERVICE],
    }


async def ways(kafka: SecuredKafka, way: str) -> tuple[str, dict[str, Any]]:
    """(the listener, the settings for it)."""
    if way == "SSL":
        settings = {"security_protocol": "SSL", "ssl_cafile": kafka.cafile, "ssl_certfile": kafka.certfile}
        return "TLS", settings | {"ssl_keyfile": kafka.certfile}
    if way == "SASL_SSL":
        return "BOTH", passwords(kafka, "SCRAM-SHA-512") | {"security_protocol": "SASL_SSL", "ssl_cafile": kafka.cafile}
    if way == "OAUTHBEARER":
        settings = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "OAUTHBEARER"}
        return "SASL", settings | {"sasl_oauth_token": token(SERVICE)}
    return "SASL", passwords(kafka, way)


async def check_both_halves(url: str, topic: str) -> None:
    """Register by producing, and read it again: the writer, the election, the producer, a consumer and the admin."""
    async with ClientSession(url) as session:
        record = {"value_schema": '"string"', "records": [{"value": "first"}]}
        async with session.post(f"/topics/{topic}", json=record, headers=AVRO) as answer:
            assert answer.status == 200, await answer.text()
            assert [each["offset"] for each in (await answer.json(content_type=None))["offsets"]] == [0]
        async with session.get(f"/subjects/{topic}-value/versions/latest") as answer:
            assert (await answer.json(content_type=None))["schema"] == '"string"'
        wanted = {"name": "one", "format": "avro", "auto.offset.reset": "earliest"}
        headers = {"Content-Type": "application/vnd.kafka.v2+json"}
        async with session.post(f"/consumers/{topic}", json=wanted, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        instance = f"/consumers/{topic}/instances/one"
        async with session.post(f"{instance}/subscription", json={"topics": [topic]}, headers=headers) as answer:
            assert answer.status == 204, await answer.text()
        found: list[Any] = []
        for _ in range(30):
            async with session.get(f"{instance}/records", headers={"Accept": AVRO["Content-Type"]}) as answer:
                found += await answer.json(content_type=None)
            if found:
                break
        assert [each["value"] for each in found] == ["first"]
        async with session.get("/v3/clusters") as answer:
            cluster = (await answer.json())["data"][0]["cluster_id"]
        # Configs of a broker and ACLs are asked by two different clients.
        async with session.get(f"/v3/clusters/{cluster}/acls") as answer:
            assert answer.status == 200, await answer.text()


@pytest.mark.parametrize("way", shorten(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "SSL", "SASL_SSL", "OAUTHBEARER"]))
async def test_both_halves_work(secured: SecuredKafka, way: str, topic: Callable[[], str]) -> None:
    listener, settings = await ways(secured, way)
    with ServiceProcess(secured.cluster.servers(listener), **settings) as service:
        await check_both_halves(service.url, topic())
        assert service.stop() == 0
    said = "\n".join(service.lines)
    assert "Fencing by epoch" in said
    assert secured.passwords[SERVICE] not in said
    assert str(settings.get("sasl_oauth_token", secured.passwords[SERVICE])) not in said


class TokenEndpoint:
    """Gives tokens that end soon to one client."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def give(self, request: web.Request) -> web.Response:
        form = await request.post()
        credentials = base64.b64encode(f"registry:{SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {credentials}" or form["grant_type"] != "client_credentials":
            return web.json_response({"error": "invalid_client"}, status=401)
        self.asked.append(str(form.get("scope")))
        return web.json_response({"access_token": token(SERVICE, seconds=20), "expires_in": 20})


@pytest.fixture
async def endpoint() -> AsyncIterator[tuple[TokenEndpoint, str]]:
    app, made = web.Application(), TokenEndpoint()
    app.router.add_post("/token", made.give)
    async with TestServer(app) as server:
        yield made, str(server.make_url("/token"))


@pytest.mark.long
async def test_tokens_of_an_endpoint_are_renewed(
    secured: SecuredKafka, endpoint: tuple[TokenEndpoint, str], topic: Callable[[], str]
) -> None:
    made, url = endpoint
    settings = {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_endpoint_url": url,
        "sasl_oauth_client_id": "registry",
        "sasl_oauth_client_secret": SECRET,
        "sasl_oauth_scope": "kafka",
    }
    service = ServiceProcess(secured.cluster.servers("SASL"), **settings)
    service = ServiceProcess(secured.cluster.servers("SASL"), **settings)
    try:
        # In a thread: the endpoint answers on this event loop.
        await asyncio.to_thread(service.start)
        await check_both_halves(service.url, topic())
    finally:
        service.stop()
    assert set(made.asked) == {"kafka"}
    assert SECRET not in "\n".join(service.lines)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "sasl_mechanism"),
        ({"sasl_mechanism": "SCRAM"}, "sasl_mechanism"),
        ({"sasl_mechanism": "PLAIN", "sasl_plain_username": "x"}, "sasl_plain_password"),
        ({"sasl_mechanism": "OAUTHBEARER"}, "sasl_oauth_token"),
        ({"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_endpoint_url": "file:///x"}, "an http or https URL"),
        ({"sasl_mechanism": "OAUTHBEARER", "sasl_oauth_token_endpoint_url": "https://x"}, "sasl_oauth_client_id"),
    ],
)
def test_settings_that_do_not_go_together(settings: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError, match=named.replace("_", "[-_]")):
        load(environment={}, flags={"security_protocol": "SASL_SSL", **settings})


def test_kerberos_is_refused_where_the_client_has_none() -> None:
    """The wheels of the client library are built without; the Kafka client would say it only at its first use."""
    kerberos = {"service_name": "brokers", "principal": "registry@REALM", "keytab": "/etc/registry.keytab"}
    flags = {f"sasl_kerberos_{name}": value for name, value in kerberos.items()}
    settings = replace(
        load(environment={}, flags=flags)[0],
        security_protocol=SecurityProtocol.SASL_PLAINTEXT,
        sasl_mechanism=SaslMechanism.GSSAPI,
    )
    given = make_kafka_settings(settings).client_options()
    assert {name: given[f"sasl.kerberos.{name.replace('_', '.')}"] for name in kerberos} == kerberos
    assert given["sasl.mechanism"] == "GSSAPI"
    with pytest.raises(ConfigError, match=r"GSSAPI cannot be used here: .* was built without Kerberos. Build"):
        load(environment={}, flags={"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "GSSAPI"})


def test_a_wrong_password_is_told(secured: SecuredKafka) -> None:
    wrong = secrets.token_urlsafe(16)
    settings = passwords(secured, "SCRAM-SHA-512") | {"sasl_plain_password": wrong}
    service = ServiceProcess(secured.cluster.servers("SASL"), **settings)
    service.start(wait=False)
    assert service.ended() != 0
    assert "uthentication failed" in service.lines[-1]
    assert wrong not in "\n".join(service.lines)
