"""HashiCorp Vault's transit engine, by HTTP. A key id is the key's URL, such as https://vault:8200/transit/keys/orders.

Source: HashiCorp, "Transit secrets engine (API)" and "AppRole auth method (API)". The ciphertext is Vault's own text.
"""

import base64
import binascii
import http.client
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.keys.kms.driver import CiphertextError, KmsFailure, KmsMisuseError

_SECONDS = 10.0
_MAX_BYTES = 1_000_000
"""Of a response."""
_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class VaultKms:
    """Implements `KmsDriver`."""

    def wrap(self, key_id: str, properties: Mapping[str, str], plaintext: bytes) -> bytes:
        """Return Vault's ciphertext, such as vault:v1:..."""
        key = _VaultKey(key_id, properties)
        response = key.ask("encrypt", {"plaintext": base64.b64encode(plaintext).decode()})
        return _read_text(response, "ciphertext").encode()

    def unwrap(self, key_id: str, properties: Mapping[str, str], ciphertext: bytes) -> bytes:
        """Return the plaintext."""
        key = _VaultKey(key_id, properties)
        try:
            text = ciphertext.decode("ascii")
        except UnicodeDecodeError as error:
            raise CiphertextError("the ciphertext is none of Vault's") from error
        try:
            return base64.b64decode(_read_text(key.ask("decrypt", {"ciphertext": text}), "plaintext"), validate=True)
        except binascii.Error as error:
            raise KmsFailure("Vault's response holds no base64") from error


class _VaultKey:
    """A key of the transit engine, and the credentials for it."""

    def __init__(self, key_id: str, properties: Mapping[str, str]) -> None:
        url = _split_url(key_id)
        mount, separator, name = url.path.strip("/").rpartition("/keys/")
        if not separator or not name or "/" in name:
            raise KmsMisuseError(
                "kmsKeyId", "expected the URL of a transit key, such as https://host/transit/keys/name"
            )
        self._origin = f"{url.scheme}://{url.netloc}"
        self._mount, self._name = mount, name
        self._properties = properties
        # Properties that name files are ignored: whoever writes a KEK must not choose files of this machine.
        self._tls = ssl.create_default_context() if url.scheme == "https" else None

    def ask(self, operation: str, body: Mapping[str, str]) -> Any:
        """Return the data of the response."""
        token = self._find_token()
        path = f"/v1/{quote(self._mount)}/{operation}/{quote(self._name, safe='')}"
        return self._post(path, body, {"X-Vault-Token": token}).get("data")

    def _find_token(self) -> str:
        role, secret = (
            self._find(name, variable)
            for name, variable in (
                ("approle.role.id", "VAULT_APP_ROLE_ID"),
                ("approle.secret.id", "VAULT_APP_ROLE_SECRET_ID"),
            )
        )
        if role and secret:
            response = self._post("/v1/auth/approle/login", {"role_id": role, "secret_id": secret}, {})
            return _read_text(response.get("auth"), "client_token")
        token = self._find("token.id", "VAULT_TOKEN")
        if not token:
            raise KmsMisuseError(
                "kmsProps", "hcvault needs the property token.id, or approle.role.id and approle.secret.id"
            )
        return token

    def _find(self, name: str, variable: str) -> str | None:
        return self._properties.get(name) or os.environ.get(variable)

    def _post(self, path: str, body: Mapping[str, str], headers: Mapping[str, str]) -> dict[str, Any]:
        namespace = self._find("namespace", "VAULT_NAMESPACE")
        sent = {
            "Content-Type": "application/json",
            **headers,
            **({"X-Vault-Namespace": namespace} if namespace else {}),
        }
        request = urllib.request.Request(  # noqa: S310 - the scheme was checked
            self._origin + path, data=msgspec.json.encode(body), headers=sent, method="POST"
        )
        handlers: list[urllib.request.BaseHandler] = [_NoRedirects(), urllib.request.ProxyHandler({})]
        if self._tls is not None:
            handlers.append(urllib.request.HTTPSHandler(context=self._tls))
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=_SECONDS) as response:
                text = response.read(_MAX_BYTES)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == HTTPStatus.BAD_REQUEST and "/decrypt/" in path:
                    raise CiphertextError("Vault does not decrypt the ciphertext with this key") from None
                raise KmsFailure(f"Vault answers {error.code}", is_refused=error.code in _REFUSALS) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise KmsFailure(f"Vault cannot be reached: {type(error).__name__}") from None
        try:
            return msgspec.json.decode(text, type=dict[str, Any])
        except NOT_JSON as error:
            raise KmsFailure("Vault's response is no JSON object") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another server."""

    def redirect_request(self, *_: Any) -> None:
        """Return None: the redirect is an error response."""


def _split_url(key_id: str) -> Any:
    try:
        url = urlsplit(key_id)
        is_valid = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        is_valid = False
    if not is_valid or "@" in url.netloc:
        raise KmsMisuseError("kmsKeyId", "expected a URL, without user and password")
    return url


def _read_text(holder: Any, field: str) -> str:
    value = holder.get(field) if isinstance(holder, dict) else None
    if not isinstance(value, str):
        raise KmsFailure(f"Vault's response lacks {field}")
    return value
