"""Checks of the files that settings name: readable, of the right kind, and matching each other."""

import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from karapace_like.access import authfile
from karapace_like.access.authfile import AuthfileError
from karapace_like.config.errors import ConfigError, Fault
from karapace_like.config.settings import Settings
from karapace_like.config.sources import Reading
from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.parsing import parse_policies
from karapace_like.secret import Secret

_AUTHORITIES = ("server_tls_cafile", "forwarding_cafile", "registry_ca", "ssl_cafile")
_IDENTITIES = (
    ("server_tls_certfile", "server_tls_keyfile", "server_tls_password"),
    ("forwarding_certfile", "forwarding_keyfile", "forwarding_key_password"),
    ("ssl_certfile", "ssl_keyfile", "ssl_password"),
)
"""Settings of a certificate, its key and the key's passphrase."""
_READ_ONLY = ("ssl_crlfile", "sasl_kerberos_keytab")
"""Files of which the Kafka client alone knows the form."""


def check_files(reading: Reading) -> None:
    """Raise ConfigError, with a sentence for each file that cannot be used."""
    faults = [reading.locate(fault) for fault in find_file_faults(reading.settings)]
    if faults:
        raise ConfigError(*(fault.sentence for fault in faults))


def find_file_faults(settings: Settings) -> Iterator[Fault]:
    """Yield a fault for each file that cannot be used. Reads the files."""
    for names in _IDENTITIES:
        yield from _check_identity(settings, *names)
    for name in _AUTHORITIES:
        yield from _check_authorities(settings, name)
    for name in _READ_ONLY:
        yield from _check_readable(settings, name)
    yield from _check_content(settings, "registry_authfile", authfile.parse, AuthfileError, "is not an authfile")
    yield from _check_content(settings, "topic_policies", parse_policies, InvalidPolicyError, "holds no topic policies")


def _check_readable(settings: Settings, *names: str) -> Iterator[Fault]:
    for name in names:
        path = getattr(settings, name)
        if path is None:
            continue
        try:
            with Path(path).open("rb") as file:
                file.read(1)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            yield Fault((name,), f"{name}={path!r} cannot be read: {reason}.")


def _check_identity(settings: Settings, certificate: str, key: str, password: str) -> Iterator[Fault]:
    unreadable = list(_check_readable(settings, certificate, key))
    yield from unreadable
    path, key_path = getattr(settings, certificate), getattr(settings, key)
    if unreadable or path is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError):
        yield Fault((certificate,), f"{certificate}={path!r} holds no certificate in PEM form.")
        return
    secret: Secret | None = getattr(settings, password)
    try:
        # Without a passphrase, OpenSSL would prompt for one at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
            path, key_path, lambda: "" if secret is None else secret.value
        )
    except (OSError, ValueError) as error:
        name, file = (certificate, path) if key_path is None else (key, key_path)
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            reason = f"is not the private key of {certificate}={path!r}"
        else:
            reason = _explain_key(Path(file).read_bytes(), password, secret)
            if key_path is None:
                reason += f"; set {key} if the private key is in another file"
        yield Fault((key, certificate, password), f"{name}={file!r} {reason}.")


def _explain_key(content: bytes, password: str, secret: Secret | None) -> str:
    """Return why OpenSSL cannot load the private key in the file; OpenSSL itself does not say it."""
    if b"PRIVATE KEY-----" not in content:
        return "holds no private key in PEM form"
    if b"ENCRYPTED" not in content:
        return "holds a damaged private key"
    return f"is encrypted: set {password}" if secret is None else f"is encrypted, and {password} does not decrypt it"


def _check_authorities(settings: Settings, name: str) -> Iterator[Fault]:
    unreadable = list(_check_readable(settings, name))
    yield from unreadable
    path = getattr(settings, name)
    if path is None or unreadable:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except (OSError, ValueError):
        yield Fault((name,), f"{name}={path!r} holds no certificate in PEM form.")


def _check_content(
    settings: Settings, name: str, parse: Callable[[bytes], object], fault: type[Exception], complaint: str
) -> Iterator[Fault]:
    """Yield the fault of the file that the setting names, which `parse` reports by raising `fault`."""
    unreadable = list(_check_readable(settings, name))
    yield from unreadable
    path = getattr(settings, name)
    if path is None or unreadable:
        return
    try:
        parse(Path(path).read_bytes())
    except (OSError, fault) as error:
        yield Fault((name,), f"{name}={path!r} {complaint}: {error}")
