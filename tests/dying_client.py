"""A client of a registry whose process is killed in the middle of its changes."""

from typing import Any

from karapace_like.client.registry_client import RegistryClient, UnreachableError


class KilledError(UnreachableError):
    """The process ends here."""


class DyingClient(RegistryClient):
    """A client whose process is killed after so many requests that change something, before or after the last one."""

    def __init__(self, url: str, left: int, *, is_sent: bool) -> None:
        super().__init__(url)
        self.left = left
        self.is_sent = is_sent

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        if method != "GET":
            self.left -= 1
            if self.left < 0:
                if self.is_sent:
                    await super().ask(method, path, body, **query)
                raise KilledError("killed")
        return await super().ask(method, path, body, **query)
