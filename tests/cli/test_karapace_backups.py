"""Backups that Karapace's own tool has written are restored, with their ids, deletions and configs."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.calling import call
from tests.cli import karapace_backups
from tests.cli.karapace_backups import Topic
from tests.command_line import run
from tests.service_process import ServiceProcess
from tests.web.schemas_topics import KARAPACE

FORMATS = (karapace_backups.version_1, karapace_backups.version_2, karapace_backups.version_3)


def own(topic: Topic) -> tuple[str, Topic]:
    """The topic with subjects in a context of its own, which Karapace takes for a part of their names."""
    context = f".k{secrets.token_hex(6)}"
    renamed = [
        (key.replace(b'"subject":"', b'"subject":":%s:' % context.encode()), value)
        for key, value in topic
        if b"null" not in key  # the setting for everything is the shared registry's own
    ]
    return context, renamed


@pytest.mark.parametrize("write", FORMATS)
def test_a_backup_of_karapace_is_restored(
    service: ServiceProcess, tmp_path: Path, write: Callable[[Path, Topic], Path]
) -> None:
    context, topic = own(KARAPACE)
    backup = write(tmp_path, topic)
    selection = ("--context", context, "--as", context, "--registry", service.url)
    found = run("import", backup, *selection)
    assert (found.code, found.err) == (0, "")
    assert found.out == "3 versions registered, 1 soft-deleted, 1 configs set\n"
    assert run("verify", backup, *selection) == (0, "Equal\n", "")
    assert call(service.url, "GET", f"/subjects?subjectPrefix=:{context}:") == [f":{context}:user"]
    user = call(service.url, "GET", f"/subjects/:{context}:user/versions/2")
    assert (user["id"], json.loads(user["schema"])["fields"][0]["type"]) == (2, "long")
    assert call(service.url, "GET", f"/config/:{context}:user") == {"compatibilityLevel": "FULL"}


@pytest.mark.parametrize("write", FORMATS)
def test_a_damaged_one_is_refused(tmp_path: Path, write: Callable[[Path, Topic], Path]) -> None:
    backup = write(tmp_path, KARAPACE)
    file = next(tmp_path.glob("*.data"), backup)
    file.write_bytes(file.read_bytes()[:-7])
    found = run("verify", backup, "--registry", "http://127.0.0.1:9")
    assert found.code == 2
    assert "Traceback" not in found.err
