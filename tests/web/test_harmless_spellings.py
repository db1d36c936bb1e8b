"""What does no harm is accepted: JSON in any of its encodings, and braces in the names of paths."""

import codecs
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.web.conftest import Api

INT = json.dumps({"schema": '"int"'})
ENCODED: Mapping[str, Callable[[str], bytes]] = {
    "UTF-8 after a byte order mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16, little endian": lambda text: text.encode("utf-16-le"),
    "UTF-16, big endian": lambda text: text.encode("utf-16-be"),
    "UTF-16 after a byte order mark": lambda text: text.encode("utf-16"),
    "UTF-32 after a byte order mark": lambda text: text.encode("utf-32"),
}
CALLS = [
    ("POST", "/subjects/s/versions", INT),
    ("POST", "/subjects/s", INT),
    ("POST", "/compatibility/subjects/s/versions/latest", INT),
    ("PUT", "/config/s", json.dumps({"compatibility": "FULL"})),
    ("PUT", "/mode/s", json.dumps({"mode": "READONLY"})),
]
NAMES = ["{", "}", "{a}", "a{b}c", "${env}-value", "{a:[0-9]+}"]


async def send(api: Api, method: str, path: str, body: bytes) -> tuple[int, Any]:
    return await api(method, path, data=body, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("encode", ENCODED.values(), ids=ENCODED)
async def test_every_encoding_of_json_is_read(api: Api, encode: Callable[[str], bytes]) -> None:
    assert (await api("POST", "/subjects/s/versions", json.loads(INT)))[0] == 200
    for method, path, body in CALLS:
        plain, encoded = await send(api, method, path, body.encode()), await send(api, method, path, encode(body))
        assert (plain[0], encoded) == (200, plain), path


@pytest.mark.parametrize(
    "body",
    [
        codecs.BOM_UTF8 * 2 + INT.encode(),
        codecs.BOM_UTF8 + b"{",
        codecs.BOM_UTF16_LE + b"{\x00\xd8",
        codecs.BOM_UTF32_BE + b"{",
        b"\x00" * 64,
        "\ud800{}".encode("utf-16-le", "surrogatepass"),
    ],
)
async def test_what_is_json_in_no_encoding_is_malformed(api: Api, body: bytes) -> None:
    status, answer = await send(api, "POST", "/subjects/s/versions", body)
    assert (status, answer["error_code"]) == (400, 400)
    assert answer["message"].startswith("Malformed JSON: ")


@pytest.mark.parametrize("body", [codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
async def test_a_byte_order_mark_alone_is_no_json(api: Api, body: bytes) -> None:
    assert (await send(api, "POST", "/subjects/s/versions", body))[0] == 400


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("prefix", ["", "/contexts/c"])
async def test_a_subject_may_have_braces(api: Api, name: str, prefix: str) -> None:
    spelled = name.replace("{", "%7B").replace("}", "%7D")
    subject = f"{prefix}/subjects/{spelled}"
    assert (await api("POST", f"{subject}/versions", json.loads(INT)))[0] == 200
    shown = (await api("GET", f"{subject}/versions/1"))[1]["subject"]
    assert shown == (f":.c:{name}" if prefix else name)
    assert await api("GET", f"{subject}/versions/1/schema/") == (200, "int")
    assert (await api("PUT", f"{prefix}/config/{spelled}", {"compatibility": "FULL"}))[0] == 200
    assert await api("DELETE", subject) == (200, [1])
