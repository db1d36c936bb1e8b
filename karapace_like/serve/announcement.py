"""The lines that `serve` prints once the service is ready: the addresses that a newcomer needs next."""

from collections.abc import Sequence
from pathlib import Path

from karapace_like.config import Settings
from karapace_like.serve.listeners import ListeningSocket, format_url, format_urls
from karapace_like.web.http.api_roles import ApiRole

_LOOPBACKS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not listened on


def announce_ready(settings: Settings, sockets: Sequence[ListeningSocket], data_folder: Path | None = None) -> str:
    """Return the lines; `data_folder` is that of the embedded Kafka, None where it is temporary or there is none."""
    lines = [f"Ready at {format_urls(sockets)}", f"  Kafka brokers:     {settings.bootstrap_uri}"]
    console = next((listening.address for listening in sockets if ApiRole.CONSOLE in listening.roles), None)
    if console is not None:
        reachable = console._replace(host=_LOOPBACKS.get(console.host, console.host))
        lines.insert(1, f"  API documentation: {format_url(reachable)}/docs")
        if settings.console:
            lines.insert(1, f"  Web console:       {format_url(reachable)}/console")
    if data_folder is not None:
        lines.append(f"  Kafka data folder: {data_folder}")
    return "\n".join(lines)
