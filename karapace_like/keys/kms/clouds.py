"""The key management services of AWS, Google Cloud and Azure, by their SDKs, which are imported when they are used.

They are the extras `aws-kms`, `gcp-kms` and `azure-kms`. The ciphertexts are those of Confluent's client libraries.
"""

import importlib
from collections.abc import Mapping
from typing import Any

from karapace_like.keys.kms.driver import CiphertextError, KmsFailure, KmsMisuseError

_SECONDS = 10
_ARN_PARTS = 6
_REFUSALS = ("AccessDenied", "UnrecognizedClient", "InvalidSignature", "ExpiredToken", "Forbidden", "PermissionDenied")
_REFUSALS_BY_TYPE = ("ClientAuthenticationError", "Unauthenticated", "NoCredentialsError", "DefaultCredentialsError")


class AwsKms:
    """AWS KMS; a key id is an ARN. Implements `KmsDriver`."""

    def wrap(self, key_id: str, properties: Mapping[str, str], plaintext: bytes) -> bytes:
        """Return AWS's ciphertext."""
        client = self._connect(key_id, properties)
        return bytes(_call(lambda: client.encrypt(KeyId=key_id, Plaintext=plaintext)["CiphertextBlob"]))

    def unwrap(self, key_id: str, properties: Mapping[str, str], ciphertext: bytes) -> bytes:
        """Return the plaintext."""
        client = self._connect(key_id, properties)
        return bytes(_call(lambda: client.decrypt(KeyId=key_id, CiphertextBlob=ciphertext)["Plaintext"]))

    def _connect(self, key_id: str, properties: Mapping[str, str]) -> Any:
        parts = key_id.split(":")
        if len(parts) < _ARN_PARTS or not parts[3]:
            raise KmsMisuseError("kmsKeyId", "expected an ARN with a region, such as arn:aws:kms:eu-west-1:1234:key/id")
        boto3, config = _import("boto3", "aws-kms"), _import("botocore.config", "aws-kms")
        bounds = config.Config(connect_timeout=_SECONDS, read_timeout=_SECONDS, retries={"max_attempts": 1})

        def connect() -> Any:
            session = boto3.Session(
                aws_access_key_id=properties.get("access.key.id"),
                aws_secret_access_key=properties.get("secret.access.key"),
                profile_name=properties.get("profile"),
                region_name=parts[3],
            )
            return (_assume_role(session, properties, boto3) or session).client("kms", config=bounds)

        return _call(connect)


class GcpKms:
    """Google Cloud KMS; a key id is the key's name, projects/... Implements `KmsDriver`."""

    def wrap(self, key_id: str, properties: Mapping[str, str], plaintext: bytes) -> bytes:
        """Return Google's ciphertext."""
        client = self._connect(properties)
        request = {"name": key_id, "plaintext": plaintext}
        return bytes(_call(lambda: client.encrypt(request=request, timeout=_SECONDS).ciphertext))

    def unwrap(self, key_id: str, properties: Mapping[str, str], ciphertext: bytes) -> bytes:
        """Return the plaintext."""
        client = self._connect(properties)
        request = {"name": key_id, "ciphertext": ciphertext}
        return bytes(_call(lambda: client.decrypt(request=request, timeout=_SECONDS).plaintext))

    def _connect(self, properties: Mapping[str, str]) -> Any:
        kms = _import("google.cloud.kms", "gcp-kms")
        if "private.key" not in properties:
            return _call(kms.KeyManagementServiceClient)
        accounts = _import("google.oauth2.service_account", "gcp-kms")
        account = {
            "type": properties.get("account.type", "service_account"),
            "client_id": properties.get("client.id"),
            "client_email": properties.get("client.email"),
            "private_key_id": properties.get("private.key.id"),
            "private_key": properties["private.key"],
            "token_uri": "https://oauth2.googleapis.com/token",
        }
        return _call(
            lambda: kms.KeyManagementServiceClient(credentials=accounts.Credentials.from_service_account_info(account))
        )


class AzureKms:
    """Azure Key Vault; a key id is the URL of a key's version. Implements `KmsDriver`."""

    def wrap(self, key_id: str, properties: Mapping[str, str], plaintext: bytes) -> bytes:
        """Return the plaintext, encrypted by RSA-OAEP with SHA-256."""
        client, algorithm = self._connect(key_id, properties)
        return bytes(_call(lambda: client.encrypt(algorithm, plaintext).ciphertext))

    def unwrap(self, key_id: str, properties: Mapping[str, str], ciphertext: bytes) -> bytes:
        """Return the plaintext."""
        client, algorithm = self._connect(key_id, properties)
        return bytes(_call(lambda: client.decrypt(algorithm, ciphertext).plaintext))

    def _connect(self, key_id: str, properties: Mapping[str, str]) -> tuple[Any, Any]:
        identity, crypto = _import("azure.identity", "azure-kms"), _import("azure.keyvault.keys.crypto", "azure-kms")
        names = ("tenant.id", "client.id", "client.secret")
        has_secret = all(name in properties for name in names)

        def connect() -> Any:
            credential = (
                identity.ClientSecretCredential(*(properties[name] for name in names))
                if has_secret
                else identity.DefaultAzureCredential()
            )
            return crypto.CryptographyClient(key_id, credential)

        return _call(connect), crypto.EncryptionAlgorithm.rsa_oaep_256


def _assume_role(session: Any, properties: Mapping[str, str], boto3: Any) -> Any:
    """Return a session of the role that the properties name; None if they name none."""
    role = properties.get("role.arn")
    if not role:
        return None
    external = properties.get("role.external.id")
    response = session.client("sts").assume_role(
        RoleArn=role,
        RoleSessionName=properties.get("role.session.name", "karapace-like"),
        **({"ExternalId": external} if external else {}),
    )
    issued = response["Credentials"]
    return boto3.Session(
        aws_access_key_id=issued["AccessKeyId"],
        aws_secret_access_key=issued["SecretAccessKey"],
        aws_session_token=issued["SessionToken"],
        region_name=session.region_name,
    )


def _import(module: str, extra: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise KmsMisuseError("kmsType", f"this service lacks the SDK for it; install karapace-like[{extra}]") from error


def _call(call: Any) -> Any:
    """Return what the SDK does; its errors become KmsFailure with their class's name, since texts may hold secrets."""
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - each SDK has classes of its own
        name, code = type(error).__name__, _find_code(error)
        if "InvalidCiphertext" in code or "IncorrectKey" in code:
            raise CiphertextError("the ciphertext is not of this key") from None
        is_refused = code.startswith(_REFUSALS) or name in _REFUSALS_BY_TYPE or name.startswith(_REFUSALS)
        raise KmsFailure(f"the KMS fails with {code or name}", is_refused=is_refused) from None


def _find_code(error: Exception) -> str:
    """Return the error code of AWS or Azure; an empty text for others."""
    response = getattr(error, "response", None)
    code = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    status = getattr(error, "status_code", None)
    return str(code or ("Forbidden" if status in {401, 403} else ""))
