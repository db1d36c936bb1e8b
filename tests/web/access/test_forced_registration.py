"""`force=true` registers a schema that is not compatible."""

from tests.web.access.conftest import StartGuarded, basic, written
from tests.web.conftest import Api

INT, STRING = {"schema": '"int"'}, {"schema": '"string"'}
VERSIONS = "/subjects/s/versions"


async def test_an_incompatible_schema_is_registered_by_force_only(api: Api) -> None:
    await api("POST", VERSIONS, INT)
    for query in ("", "?force=false", "?force=yes"):
        assert (await api("POST", VERSIONS + query, STRING))[1]["error_code"] == 40901
    assert (await api("POST", f"{VERSIONS}?force=true", STRING))[1]["version"] == 2
    assert await api("GET", VERSIONS) == (200, [1, 2])


async def test_force_registers_no_invalid_schema_and_changes_no_mode(api: Api) -> None:
    assert (await api("POST", f"{VERSIONS}?force=true", {"schema": "no schema"}))[1]["error_code"] == 42201
    await api("PUT", "/mode/s", {"mode": "READONLY"})
    assert (await api("POST", f"{VERSIONS}?force=true", INT))[1]["error_code"] == 42205


async def test_force_finds_what_is_registered(api: Api) -> None:
    first = (await api("POST", VERSIONS, INT))[1]
    assert (await api("POST", f"{VERSIONS}?force=true", INT))[1]["id"] == first["id"]
    assert await api("GET", VERSIONS) == (200, [1])


async def test_force_needs_config_on_the_subject(start_guarded: StartGuarded) -> None:
    users = {"writer": "writer-password", "owner": "owner-password"}
    grants = [
        {"principals": ["writer"], "operations": ["read", "write"], "resource": "subject", "name": "s"},
        {"principals": ["owner"], "operations": ["read", "write", "config"], "resource": "subject", "name": "s"},
    ]
    api = await start_guarded(written(users, grants))
    writer, owner = (basic(name, password) for name, password in users.items())
    assert (await api("POST", VERSIONS, INT, headers=writer))[0] == 200
    assert (await api("POST", f"{VERSIONS}?force=true", STRING, headers=writer))[0] == 403
    assert (await api("POST", f"{VERSIONS}?force=true", STRING, headers=owner))[0] == 200
