"""When certificates expire: the first of those in each file, read again whenever the file has changed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

_State: TypeAlias = tuple[int, int, int]
"""(inode, bytes, time of modification in ns)."""


class CertificateExpiry:
    """The expiry of the certificates in PEM files, which are small."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        """`files`: what a certificate is for, as the label of its series -> the file."""
        self._files = files
        self._read: dict[Path, tuple[_State, float | None]] = {}

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """Yield (what the certificate is for, seconds since the epoch); nothing for a file that cannot be read."""
        for use, file in self._files.items():
            expiry = self._find_expiry(file)
            if expiry is not None:
                yield use, expiry

    def _find_expiry(self, file: Path) -> float | None:
        try:
            status = file.stat()
            state = (status.st_ino, status.st_size, status.st_mtime_ns)
            before = self._read.get(file)
            if before is None or before[0] != state:
                before = self._read[file] = (state, _read_first_expiry(file.read_bytes()))
        except OSError:
            return None
        return before[1]


def _read_first_expiry(pem: bytes) -> float | None:
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - only where there are certificates

    try:
        return min(certificate.not_valid_after_utc.timestamp() for certificate in load_pem_x509_certificates(pem))
    except ValueError:
        return None
