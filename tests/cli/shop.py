"""A folder of schemas and the registry it is meant for, with subjects of its own, so that tests share a service."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from tests.calling import call
from tests.command_line import Outcome, run, write

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"

ADDRESS = (
    '{"type": "record", "name": "Address", "namespace": "shop", "fields": [{"name": "street", "type": "string"}]}\n'
)
ORDER = """\
{
  "type": "record", "name": "Order", "namespace": "shop", "fields": [
    {"name": "id", "type": "long"},
    {"name": "to", "type": "Address"}
  ]
}
"""
ADDRESS_WITH_ZIP = ADDRESS.replace("}]}", '},\n  {"name": "zip", "type": "string"}]}')
ADDRESS_WITH_CITY = ADDRESS.replace("}]}", '},\n  {"name": "city", "type": "string", "default": ""}]}')
SIZE = 'syntax = "proto3";\npackage shop;\n\nmessage Size {\n  int32 grams = 1;\n}\n'
PARCEL = 'syntax = "proto3";\npackage shop;\n\nimport "common/size.proto";\n\nmessage Parcel {\n  Size size = 1;\n}\n'
PERSON = (
    '{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"name": {"$ref": "common/name.json"}}}\n'
)
NAME = '{"$ref": "length.json"}\n'
LENGTH = '{"type": "string", "maxLength": 10}\n'


class Shop:
    """A folder with a prefix for its subjects, and the registry that it is meant for."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url
        self.prefix = f"shop-{secrets.token_hex(4)}."
        self.settings("")

    def settings(self, more: str) -> None:
        self.write({"karapace-like.toml": f'subject = "{self.prefix}{{stem}}"\n{more}'})

    def write(self, files: Mapping[str, str]) -> None:
        write(self.folder, files)

    def run(self, *arguments: object) -> Outcome:
        return run(*arguments, "--registry", self.url, folder=self.folder)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return call(self.url, method, path, body, content_type=MEDIA_TYPE)

    def version(self, name: str, number: int | str = "latest") -> Any:
        return self.ask("GET", f"/subjects/{self.prefix}{name}/versions/{number}")

    def level(self, name: str) -> str:
        level: str = self.ask("GET", f"/config/{self.prefix}{name}?defaultToGlobal=true")["compatibilityLevel"]
        return level

    def own_level(self, name: str) -> str | None:
        """The level that is set for the subject itself."""
        try:
            level: str = self.ask("GET", f"/config/{self.prefix}{name}")["compatibilityLevel"]
        except HTTPError as error:
            if error.code != 404:
                raise
            return None
        return level

    def subjects(self) -> list[str]:
        found = self.ask("GET", f"/subjects?subjectPrefix={self.prefix}")
        return sorted(each.removeprefix(self.prefix) for each in found)

    def plain(self, text: str) -> list[str]:
        """The lines without the prefix."""
        return text.replace(self.prefix, "").splitlines()
