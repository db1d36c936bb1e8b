"""Vault's driver against a double of its HTTP API on loopback: no real Vault can be had as a package."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from karapace_like.errors import ApiError
from karapace_like.keys.keys import Kek, KmsProperties
from karapace_like.keys.kms.clouds import AwsKms, AzureKms, GcpKms
from karapace_like.keys.kms.driver import CiphertextError, KmsDriver, KmsFailure, KmsMisuseError
from karapace_like.keys.kms.services import ALTERNATE_KEYS, KeyServices
from karapace_like.keys.kms.vault import VaultKms

TOKEN = {"token.id": "right token"}


class Vault(ThreadingHTTPServer):
    """A transit engine at /transit with the key `k`, and an AppRole. `odd` is answered to everything, if it is set."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.odd: tuple[int, bytes, dict[str, str]] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, path: str, headers: dict[str, str], body: dict[str, str]) -> tuple[int, Any]:
        self.requests.append((path, headers))
        if path == "/v1/auth/approle/login":
            is_right = body == {"role_id": "r", "secret_id": "s"}
            return (200, {"auth": {"client_token": "right token"}}) if is_right else (400, {})
        if headers.get("X-Vault-Token") != "right token":
            return 403, {"errors": ["permission denied"]}
        if path == "/v1/transit/encrypt/k":
            return 200, {"data": {"ciphertext": f"vault:v1:{body['plaintext'][::-1]}"}}
        if path == "/v1/transit/decrypt/k":
            text = body["ciphertext"]
            return (200, {"data": {"plaintext": text[9:][::-1]}}) if text.startswith("vault:v1:") else (400, {})
        return 404, {}


class _Handler(BaseHTTPRequestHandler):
    server: Vault

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status, value = self.server.answer(self.path, dict(self.headers), body)
        content, headers = json.dumps(value).encode(), dict[str, str]()
        if self.server.odd is not None:
            status, content, headers = self.server.odd
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def vault() -> Iterator[Vault]:
    with Vault() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "properties",
    [TOKEN, {"approle.role.id": "r", "approle.secret.id": "s"}, {**TOKEN, "namespace": "n"}],
    ids=["token", "AppRole", "namespace"],
)
def test_keys_are_wrapped_and_unwrapped(vault: Vault, properties: dict[str, str]) -> None:
    key_id = f"{vault.url}/transit/keys/k"
    wrapped = VaultKms().wrap(key_id, properties, b"\0key\xff")
    assert wrapped.startswith(b"vault:v1:")
    assert VaultKms().unwrap(key_id, properties, wrapped) == b"\0key\xff"
    assert {headers.get("X-Vault-Namespace") for _, headers in vault.requests} == {properties.get("namespace")}


def test_credentials_of_the_environment_are_used(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN["token.id"])
    assert VaultKms().wrap(f"{vault.url}/transit/keys/k", {}, b"x").startswith(b"vault:")


@pytest.mark.parametrize("path", ["", "/", "/transit", "/transit/keys/", "/transit/keys/a/b", "/keys/k"])
def test_a_key_id_is_the_url_of_a_transit_key(vault: Vault, path: str) -> None:
    with pytest.raises(KmsMisuseError) as raised:
        VaultKms().wrap(f"{vault.url}{path}", TOKEN, b"x")
    assert raised.value.field == "kmsKeyId"
    assert vault.requests == []


@pytest.mark.parametrize(
    "key_id", ["ftp://h/t/keys/k", "http:///t/keys/k", "http://[/t/keys/k", "http://u:p@h/t/keys/k"]
)
def test_other_urls_are_refused(key_id: str) -> None:
    with pytest.raises(KmsMisuseError):
        VaultKms().wrap(key_id, TOKEN, b"x")


def test_missing_and_wrong_credentials_are_refused_without_showing_them(vault: Vault) -> None:
    key_id = f"{vault.url}/transit/keys/k"
    with pytest.raises(KmsMisuseError):
        VaultKms().wrap(key_id, {}, b"x")
    with pytest.raises(KmsFailure) as raised:
        VaultKms().wrap(key_id, {"token.id": "wrong token"}, b"x")
    assert raised.value.is_refused
    assert "wrong token" not in str(raised.value)


@pytest.mark.parametrize(
    "odd",
    [
        (500, b"{}", {}),
        (200, b"no json", {}),
        (200, b"[]", {}),
        (200, b'{"data":{"ciphertext":1}}', {}),
        (200, b"{" + b" " * 2_000_000, {}),
        (302, b"", {"Location": "http://127.0.0.1:1/"}),
    ],
    ids=["500", "no JSON", "no object", "no text", "too long", "redirect"],
)
def test_odd_responses_are_failures(vault: Vault, odd: tuple[int, bytes, dict[str, str]]) -> None:
    """A redirect is not followed: the token is for this server."""
    vault.odd = odd
    with pytest.raises(KmsFailure):
        VaultKms().wrap(f"{vault.url}/transit/keys/k", TOKEN, b"x")
    assert len(vault.requests) == 1


def test_a_ciphertext_of_another_key_is_recognised(vault: Vault) -> None:
    for ciphertext in (b"other", b"\xff"):
        with pytest.raises(CiphertextError):
            VaultKms().unwrap(f"{vault.url}/transit/keys/k", TOKEN, ciphertext)


def _kek(kms_type: str, key_id: str, **properties: str) -> Kek:
    named = {name.replace("_", "."): text for name, text in properties.items()}
    return Kek(
        name="k",
        kms_type=kms_type,
        kms_key_id=key_id,
        kms_props=KmsProperties(named),
        doc=None,
        shared=True,
        deleted=False,
    )


async def test_alternate_keys_are_tried_in_order(vault: Vault) -> None:
    good, bad = f"{vault.url}/transit/keys/k", f"{vault.url}/transit/keys/gone"
    services = KeyServices([f"hcvault://{vault.url}/"])
    kek = _kek("hcvault", bad, token_id="right token", **{ALTERNATE_KEYS: f"{bad}2, {good}"})
    wrapped = await services.wrap(kek, "s", b"key")
    assert await services.unwrap(kek, "s", wrapped) == b"key"
    paths = [path for path, _ in vault.requests]
    assert paths == [f"/v1/transit/{what}/{name}" for what in ("encrypt", "decrypt") for name in ("gone", "gone2", "k")]


async def test_failures_have_their_codes(vault: Vault) -> None:
    services, key_id = KeyServices([f"hcvault://{vault.url}/"]), f"{vault.url}/transit/keys/k"
    for kek, code in (
        (_kek("hcvault", key_id, token_id="wrong"), 40370),
        (_kek("hcvault", key_id), 42271),
        (_kek("hcvault", f"{vault.url}/transit/keys/gone", token_id="right token"), 50070),
        (_kek("hcvault", "http://127.0.0.1:1/transit/keys/k", token_id="x"), 42271),
    ):
        with pytest.raises(ApiError) as raised:
            await services.wrap(kek, "s", b"key")
        assert raised.value.code == code


async def test_a_kms_that_cannot_be_reached_is_a_failure() -> None:
    kek = _kek("hcvault", "http://127.0.0.1:1/transit/keys/k", token_id="x")
    with pytest.raises(ApiError) as raised:
        await KeyServices(["hcvault://http://127.0.0.1:1/"]).wrap(kek, "s", b"key")
    assert raised.value.code == 50070


@pytest.mark.parametrize(
    ("permitted", "kms_type", "key_id", "expected"),
    [
        ("local-kms://", "local-kms", "any", True),
        ("local-kms://", "hcvault", "http://h/t/keys/k", False),
        ("hcvault://https://vault.example", "hcvault", "https://vault.example/t/keys/k", True),
        ("hcvault://https://vault.example", "hcvault", "https://vault.example:8200/t/keys/k", True),
        ("hcvault://https://vault.example", "hcvault", "https://vault.example.evil.org/t/keys/k", False),
        ("aws-kms://arn:aws:kms:eu-west-1:", "aws-kms", "arn:aws:kms:eu-west-1:1:key/k", True),
        ("aws-kms://arn:aws:kms:eu-west-1:", "aws-kms", "arn:aws:kms:us-east-1:1:key/k", False),
        ("aws-kms://arn:aws:kms:eu-west-1:1:key/k", "aws-kms", "arn:aws:kms:eu-west-1:1:key/k", True),
        ("aws-kms://arn:aws:kms:eu-west-1:1:key/k", "aws-kms", "arn:aws:kms:eu-west-1:1:key/k2", False),
    ],
)
def test_only_permitted_keys_are_used(permitted: str, kms_type: str, key_id: str, *, expected: bool) -> None:
    assert KeyServices([permitted]).may_use(kms_type, key_id) is expected


@pytest.mark.parametrize(
    ("driver", "key_id", "extra"),
    [
        (AwsKms(), "arn:aws:kms:eu-west-1:1:key/k", "aws-kms"),
        (GcpKms(), "projects/p/locations/l/keyRings/r/cryptoKeys/k", "gcp-kms"),
        (AzureKms(), "https://v.vault.azure.net/keys/k/1", "azure-kms"),
    ],
)
def test_an_sdk_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, driver: KmsDriver, key_id: str, extra: str
) -> None:
    for module in ("boto3", "google.cloud.kms", "azure.identity"):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    for call in (driver.wrap, driver.unwrap):
        with pytest.raises(KmsMisuseError, match=rf"karapace-like\[{extra}\]"):
            call(key_id, {}, b"x")


def test_base64_is_exchanged_with_vault(vault: Vault) -> None:
    wrapped = VaultKms().wrap(f"{vault.url}/transit/keys/k", TOKEN, b"key")
    assert base64.b64decode(wrapped[9:][::-1]) == b"key"
