"""Paths that are spelled oddly: a subject is shown to those only who may read it, however it is named."""

import pytest

from tests.web.access.conftest import StartGuarded, basic, written
from tests.web.wire import Wire, statuses


@pytest.mark.parametrize(
    "path",
    [
        "/subjects/secret/versions/latest",
        "/subjects/open%2F..%2Fsecret/versions/latest",
        "/subjects/open/../secret/versions/latest",
        "/subjects/./secret/versions/latest",
        "/subjects//secret/versions/latest",
        "/subjects/%73ecret/versions/latest",
        "/subjects/%2573ecret/versions/latest",
        "/subjects/secret%00/versions/latest",
        "/subjects/secret/versions/latest/",
        "/contexts/:.:/subjects/secret/versions/latest",
        "/contexts/./subjects/secret/versions/latest",
        "/subjects/:.:secret/versions/latest",
        "/subjects/secret;x=1/versions/latest",
        "/health/live/../../subjects/secret/versions/latest",
        "/health/live%2F..%2F..%2Fsubjects/secret/versions/latest",
        "//subjects/secret/versions/latest",
        "http://x/subjects/secret/versions/latest",
    ],
)
@pytest.mark.parametrize("who", ["nobody", "reader"])
async def test_path_tricks(start_guarded: StartGuarded, path: str, who: str) -> None:
    grants = [
        {"principals": ["owner"], "operations": ["write", "read"], "resource": "subject"},
        {"principals": ["reader"], "operations": ["read"], "resource": "subject", "name": "open", "match": "prefix"},
    ]
    passwords = {"owner": "of-owner", "reader": "of-reader"}
    api = await start_guarded(written(passwords, grants), open_paths=["/health/live"])
    owner = basic("owner", "of-owner")
    assert (await api("POST", "/subjects/secret/versions", {"schema": '"int"'}, headers=owner))[0] == 200
    authorization = "" if who == "nobody" else f"Authorization: {basic('reader', 'of-reader')['Authorization']}\r\n"
    wire = await Wire.to(api.client)
    answered = await wire.ask(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{authorization}\r\n".encode())
    assert statuses(answered)[0] in {400, 401, 403, 404}, answered
    assert b'"int' not in answered
