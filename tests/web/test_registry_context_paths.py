"""The prefix `/contexts/{context}`: a base URL that makes a client live in one context."""

import pytest

from tests.web.conftest import Api

INT = {"schema": '"int"'}


@pytest.mark.parametrize("written", [".ctx", ":.ctx", ":.ctx:"])
async def test_the_colons_of_a_context_may_be_left_out(api: Api, written: str) -> None:
    """Confluent's tutorials use all three spellings; each means the same context."""
    assert (await api("POST", f"/contexts/{written}/subjects/a/versions", INT))[0] == 200
    assert (await api("PUT", f"/contexts/{written}/config", {"compatibility": "FULL"}))[0] == 200
    assert await api("GET", f"/contexts/{written}/subjects") == (200, [":.ctx:a"])
    assert (await api("GET", "/subjects/:.ctx:a/versions/1"))[1]["schema"] == '"int"'
    assert await api("GET", "/config/:.ctx:") == (200, {"compatibilityLevel": "FULL"})


async def test_the_default_context_has_a_path_too(api: Api) -> None:
    """`:.:` is the default context, whose subjects are not qualified."""
    assert (await api("POST", "/contexts/:.:/subjects/a/versions", INT))[0] == 200
    assert await api("GET", "/contexts/:.:/subjects") == (200, ["a"])
    assert (await api("GET", "/subjects/a/versions/1"))[1]["id"] == 1
