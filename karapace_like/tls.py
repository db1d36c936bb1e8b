"""TLS for the listeners, and to other nodes: certificates, and what others' are checked by, replaced without a stop."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from karapace_like.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTlsSettings:
    """The files, and what clients must show."""

    certificate: Path
    key: Path | None = None
    password: Secret | None = None
    authorities: Path | None = None
    client_certificates: ssl.VerifyMode = ssl.CERT_NONE

    @property
    def files(self) -> tuple[Path, ...]:
        """Those to watch."""
        return tuple(each for each in (self.certificate, self.key, self.authorities) if each is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTlsSettings:
    """The files for connections to others; without `authorities` the system's count."""

    authorities: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    password: Secret | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """Those to watch."""
        return tuple(each for each in (self.certificate, self.key, self.authorities) if each is not None)

    def read(self) -> ssl.SSLContext:
        """What the files hold now; raises OSError where they cannot be used."""
        context = ssl.create_default_context(cafile=self.authorities)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.certificate is not None:
            _load(context, self.certificate, self.key, self.password)
        return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path | None, password: Secret | None) -> None:
    # Without a password OpenSSL would ask for one at the terminal.
    context.load_cert_chain(certificate, key, lambda: "" if password is None else password.value)


class ServerTls:
    """Listens with `context`; connections are made with what was given to `use` last.

    Raises OSError (ssl.SSLError is one) where the files cannot be used.
    """

    def __init__(self, settings: ServerTlsSettings) -> None:
        self._settings = settings
        self._current = self.read()
        self.context = self.read()
        self.context.sni_callback = self._greeted

    def use(self, current: ssl.SSLContext) -> None:
        """Make connections with this from now on."""
        self._current = current

    def _greeted(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        """At the beginning of every handshake, whether or not the client names the server."""
        connection.context = self._current

    def read(self) -> ssl.SSLContext:
        """What the files hold now."""
        settings = self._settings
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        _load(context, settings.certificate, settings.key, settings.password)
        context.verify_mode = settings.client_certificates
        if settings.authorities is not None:
            context.load_verify_locations(settings.authorities)
        if context.verify_mode is not ssl.CERT_NONE:
            # A resumed session would bring a client in whose authority is not trusted any more.
            context.num_tickets = 0
            context.options |= ssl.OP_NO_TICKET
        return context
