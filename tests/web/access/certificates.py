"""An authority that makes real certificates for a test."""

import datetime as dt
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = dt.timedelta(days=1)
_KINDS = {"CN": NameOID.COMMON_NAME, "OU": NameOID.ORGANIZATIONAL_UNIT_NAME, "O": NameOID.ORGANIZATION_NAME}


def _name(subject: str) -> x509.Name:
    """The name of `O=firm,CN=alice`, the widest part first."""
    parts = [part.split("=") for part in subject.split(",")]
    return x509.Name([x509.NameAttribute(_KINDS[kind], value) for kind, value in parts])


class Authority:
    """Signs certificates for servers at 127.0.0.1 and for clients."""

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(f"CN={name}")
        self._certificate = self._signed(self._name, self._key, is_authority=True)

    def write(self, file: Path) -> Path:
        """Write its own certificate."""
        file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))
        return file

    def issue(self, file: Path, subject: str, *, password: bytes | None = None, days: int = 1) -> Path:
        """Write a certificate with its key, which the password encrypts; it holds for that time."""
        key = ec.generate_private_key(ec.SECP256R1())
        encryption = (
            serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password)
        )
        made = file.with_suffix(".new")
        made.write_bytes(
            self._signed(_name(subject), key, is_authority=False, days=days).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        )
        return made.replace(file)

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, is_authority: bool, days: int = 1
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + days * _DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
            .sign(self._key, hashes.SHA256())
        )
