"""Public .proto files as their users register them: each as text and as descriptor, referring to each other."""

import base64
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import __file__ as grpc_tools_file

from tests.web.conftest import Api

google_api = pytest.importorskip("google.api", reason="googleapis-common-protos comes with the extra `otel`")
SITE = Path(google_api.__path__[0]).parents[1]
ROOTS = (SITE, Path(grpc_tools_file).parent / "_proto")
_IMPORT = re.compile(r'^import\s+(?:public\s+|weak\s+)?"([^"]+)"', re.MULTILINE)


def _read_files() -> dict[str, str]:
    """The text of each file by its import path, imported files first."""
    texts: dict[str, str] = {}
    for root in ROOTS:
        for package in ("google", "opentelemetry"):
            for path in (root / package).rglob("*.proto"):
                texts.setdefault(path.relative_to(root).as_posix(), path.read_text())
    ordered: dict[str, str] = {}

    def add(path: str) -> None:
        for imported in _IMPORT.findall(texts[path]):
            add(imported)
        ordered[path] = texts[path]

    for name in sorted(texts):
        add(name)
    return ordered


def _describe(paths: list[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Every path with protoc's descriptor of the file, in base64."""
    roots = [f"-I{root}" for root in ROOTS]
    command = [sys.executable, "-m", "grpc_tools.protoc", *roots, "--include_imports", "--retain_options"]
    subprocess.run([*command, f"--descriptor_set_out={folder / 'set'}", *paths], check=True)
    for file in FileDescriptorSet.FromString((folder / "set").read_bytes()).file:
        yield file.name, base64.b64encode(file.SerializeToString()).decode()


def _make_request(path: str, texts: Mapping[str, str], schema: str) -> dict[str, Any]:
    imports = _IMPORT.findall(texts[path])
    references = [{"name": name, "subject": name, "version": 1} for name in imports]
    return {"schemaType": "PROTOBUF", "schema": schema, "references": references}


@pytest.mark.long
@pytest.mark.slow
async def test_every_file_is_one_version_as_text_as_descriptor_and_as_served(api: Api, tmp_path: Path) -> None:
    texts = _read_files()
    assert len(texts) > 60
    descriptors = dict(_describe(list(texts), tmp_path))
    for path, text in texts.items():
        subject = f"/subjects/{path.replace('/', '%2F')}"
        forms = [descriptors[path], text] if len(path) % 2 else [text, descriptors[path]]
        status, registered = await api(
            "POST", f"{subject}/versions?normalize=true", _make_request(path, texts, forms[0])
        )
        assert status == 200, (path, registered)
        served = [
            (await api("GET", f"/schemas/ids/{registered['id']}", params=params))[1]["schema"]
            for params in ({}, {"format": "serialized"})
        ]
        for form in (*forms, *served):
            request = _make_request(path, texts, form)
            for call in (f"{subject}/versions?normalize=true", f"{subject}?normalize=true"):
                status, body = await api("POST", call, request)
                assert (status, body["id"]) == (200, registered["id"]), (path, call, body)
        assert await api("GET", f"{subject}/versions") == (200, [1]), path
