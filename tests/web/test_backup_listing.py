"""A registry is listed for a backup while it changes: what was there all the time is never missed."""

import pytest

from karapace_like.backup import registry_state
from karapace_like.backup.errors import ChangingError
from karapace_like.backup.registry_state import ReportProgress
from karapace_like.client.registry_client import RegistryClient
from karapace_like.registry.store import Store
from tests.web.conftest import Api, TopicRecord
from tests.web.schemas_topics import version_key

SUBJECTS = "abcdefghij"


def silent(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def change(api: Api, subject: str, *, present: bool) -> None:
    """A record from another node, between two pages."""
    value = b'{"subject":"%s","version":1,"id":%d,"schema":"\\"int\\""}' % (subject.encode(), ord(subject[0]))
    text = value.replace(b"int", b"fixed%d" % ord(subject[0]))
    api.log.records.append(TopicRecord(version_key(subject, 1), text if present else None, 0))
    api.registry.apply_batch(api.log.records[-1:], len(api.log.records))


async def listed(api: Api, progress: ReportProgress) -> Store:
    async with RegistryClient(str(api.client.make_url("/"))) as client:
        return (await registry_state.read_versions(client, progress)).store


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_state, "_PAGE", 3)


@pytest.mark.parametrize(("subject", "present"), [("a", False), ("Z", True), ("z", True), ("j", False)])
async def test_a_change_between_two_pages_hides_nothing(api: Api, subject: str, present: bool) -> None:  # noqa: FBT001
    for each in SUBJECTS:
        change(api, each, present=True)
    changes = [(subject, present)]

    def progress(_what: str, done: int, _total: int) -> None:
        if done >= 5 and changes:
            name, is_present = changes.pop()
            change(api, name, present=is_present)

    found = {each.subject for each in (await listed(api, progress)).all_versions()}
    assert found >= set(SUBJECTS) - {subject}
    assert (subject in found) is present


async def test_a_registry_that_never_rests_is_said_to_be_so(api: Api) -> None:
    for each in SUBJECTS:
        change(api, each, present=True)
    present = False

    def progress(_what: str, done: int, _total: int) -> None:
        nonlocal present
        if done == 5:
            change(api, "a", present=present)
            present = not present

    with pytest.raises(ChangingError, match="--bootstrap-uri"):
        await listed(api, progress)


async def test_soft_deleted_versions_are_listed_as_such(api: Api) -> None:
    for each in SUBJECTS:
        change(api, each, present=True)
    assert (await api("DELETE", "/subjects/c"))[0] == 200
    deleted = [each.subject for each in (await listed(api, silent)).all_versions() if each.deleted]
    assert deleted == ["c"]
