"""TLS contexts for the listeners and for connections to other nodes; files can be replaced without a restart."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from karapace_like.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTlsSettings:
    """The certificate files, and whether clients must present a certificate."""

    certificate: Path
    key: Path | None = None
    password: Secret | None = None
    authorities: Path | None = None
    client_certificates: ssl.VerifyMode = ssl.CERT_NONE

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to watch."""
        return tuple(file for file in (self.certificate, self.key, self.authorities) if file is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTlsSettings:
    """The files for connections to other nodes; without `authorities`, the system's CA certificates are used."""

    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password: Secret | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """The files to watch."""
        return tuple(file for file in (self.certificate, self.key, self.authorities) if file is not None)

    def read(self) -> ssl.SSLContext:
        """Return a context from the present files; raises OSError if they cannot be used."""
        context = ssl.create_default_context(cafile=self.authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            _load(context, self.certificate, self.key, self.password)
        return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path | None, password: Secret | None) -> None:
    # Without a password, OpenSSL would prompt for one at the terminal.
    context.load_cert_chain(certificate, key, lambda: "" if password is None else password.value)


class ServerTls:
    """The context of the listeners; each handshake uses the latest context that `use` was called with.

    Raises OSError (ssl.SSLError is one) if the files cannot be used.
    """

    def __init__(self, settings: ServerTlsSettings) -> None:
        self._settings = settings
        self._current = self.read()
        self.context = self.read()
        self.context.sni_callback = self._on_handshake

    def use(self, current: ssl.SSLContext) -> None:
        """Use this context for new connections."""
        self._current = current

    def _on_handshake(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        """Select the current context; OpenSSL calls this in every handshake, with or without SNI."""
        connection.context = self._current

    def read(self) -> ssl.SSLContext:
        """Return a context from the present files; raises OSError if they cannot be used."""
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        _load(context, settings.certificate, settings.key, settings.password)
        context.verify_mode = settings.client_certificates
        if settings.authorities is not None:
            context.load_verify_locations(settings.authorities)
        if context.verify_mode is not ssl.CERT_NONE:
            # A resumed session would admit a client whose CA is no longer trusted.
            context.num_tickets = 0
            context.options |= ssl.OP_NO_TICKET
        return context
