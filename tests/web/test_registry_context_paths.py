"""The prefix `/contexts/{context}`: a base URL that makes a client live in one context."""

import pytest

from tests.web.conftest import Api

INT = {"schema": '"int"'}


@pytest.mark.parametrize("written", [".ctx", ":.ctx", ":.ctx:", "ctx", ":ctx:"])
async def test_the_colons_and_the_dot_of_a_context_may_be_left_out(api: Api, written: str) -> None:
    """Confluent's tutorials use several spellings; each means the same context."""
    assert (await api("POST", f"/contexts/{written}/subjects/a/versions", INT))[0] == 200
    assert (await api("PUT", f"/contexts/{written}/config", {"compatibility": "FULL"}))[0] == 200
    assert await api("GET", f"/contexts/{written}/subjects") == (200, [":.ctx:a"])
    assert (await api("GET", "/subjects/:.ctx:a/versions/1"))[1]["schema"] == '"int"'
    assert await api("GET", "/config/:.ctx:") == (200, {"compatibilityLevel": "FULL"})


async def test_a_context_without_its_dot_is_deleted_by_that_name(api: Api) -> None:
    """What is written below `ctx` is no subject of the default context."""
    await api("POST", "/contexts/ctx/subjects/a/versions", INT)
    assert await api("GET", "/subjects?subjectPrefix=") == (200, [])
    assert (await api("DELETE", "/contexts/ctx"))[1]["error_code"] == 42211
    for query in ("", "?permanent=true"):
        assert (await api("DELETE", f"/contexts/ctx/subjects/a{query}"))[0] == 200
    assert await api("DELETE", "/contexts/ctx") == (204, None)
    assert await api("GET", "/contexts") == (200, ["."])


@pytest.mark.parametrize(("method", "path"), [("POST", "/subjects/a/versions"), ("GET", "/subjects"), ("DELETE", "")])
async def test_a_colon_inside_of_a_context_is_refused(api: Api, method: str, path: str) -> None:
    """Nothing is written anywhere."""
    refused = (400, {"error_code": 400, "message": "Context name cannot contain a colon"})
    assert await api(method, f"/contexts/a:b{path}", INT if method == "POST" else None) == refused
    assert await api("GET", "/contexts") == (200, ["."])


async def test_the_default_context_has_a_path_too(api: Api) -> None:
    """`:.:` is the default context, whose subjects are not qualified."""
    assert (await api("POST", "/contexts/:.:/subjects/a/versions", INT))[0] == 200
    assert await api("GET", "/contexts/:.:/subjects") == (200, ["a"])
    assert (await api("GET", "/subjects/a/versions/1"))[1]["id"] == 1
