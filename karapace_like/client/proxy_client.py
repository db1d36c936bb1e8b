"""A client of any REST proxy with the API v2: this service's, Confluent's or Karapace's."""

from collections.abc import Sequence
from typing import Any

from karapace_like.client.registry_client import RegistryClient

_PLAIN = "application/vnd.kafka.v2+json"


class ProxyClient(RegistryClient):
    """A REST proxy at a URL: the same connections and errors as for a registry, with the media types of the proxy."""

    _service = "REST proxy"

    async def ask(self, method: str, path: str, body: Any = None, **query: str | int | Sequence[str] | None) -> Any:
        """Send a request without records and return the JSON of the response; raise as `RegistryClient.ask`."""
        return await self.send(method, path, body, query, _PLAIN, _PLAIN)

    async def produce(self, path: str, body: Any, form: str, **query: str | None) -> Any:
        """Send records whose keys and values have the format, such as `avro`."""
        return await self.send("POST", path, body, query, make_media_type(form), _PLAIN)

    async def read(self, path: str, form: str, **query: str | int) -> Any:
        """Return records whose keys and values have the format."""
        return await self.send("GET", path, None, query, _PLAIN, make_media_type(form))


def make_media_type(form: str) -> str:
    """Return the media type of records in an embedded format; those of the format `auto` are JSON."""
    return f"application/vnd.kafka.{'json' if form == 'auto' else form}.v2+json"
