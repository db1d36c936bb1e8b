"""What a version refers to and what refers to it, through all others in between."""

import json
from typing import Any

import pytest

from tests.web.conftest import Api


async def _register(api: Api, subject: str, *needs: tuple[str, str]) -> None:
    """Register a record `subject` with a field for each (name, subject) that it refers to, at version 1."""
    fields = [{"name": f"f{place}", "type": name} for place, (name, _) in enumerate(needs)]
    references = [{"name": name, "subject": needed, "version": 1} for name, needed in needs]
    schema = json.dumps({"type": "record", "name": subject.rpartition(":")[2].capitalize(), "fields": fields})
    status, answer = await api("POST", f"/subjects/{subject}/versions", {"schema": schema, "references": references})
    assert status == 200, answer


def _edges(listed: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    return [(edge["referrer"]["subject"], edge["subject"], edge["depth"]) for edge in listed]


async def _find(api: Api, subject: str, query: str = "") -> dict[str, Any]:
    status, answer = await api("GET", f"/subjects/{subject}/versions/latest/references{query}")
    assert status == 200, answer
    found: dict[str, Any] = answer
    return found


async def test_references_are_followed_both_ways(api: Api) -> None:
    await _register(api, "bolt")
    await _register(api, "door", ("Bolt", "bolt"))
    await _register(api, "lift", ("Bolt", "bolt"), ("Door", "door"))
    await _register(api, "tower", ("Bolt", "bolt"), ("Door", "door"), ("Lift", "lift"))
    lift = await _find(api, "lift")
    assert _edges(lift["references"]) == [("lift", "bolt", 1), ("lift", "door", 1), ("door", "bolt", 2)]
    assert _edges(lift["referrers"]) == [("tower", "lift", 1)]
    assert lift["references"][1] == {
        "referrer": {"subject": "lift", "version": 1},
        "name": "Door",
        "subject": "door",
        "version": 1,
        "depth": 1,
    }
    bolt = await _find(api, "bolt")
    assert bolt["references"] == []
    assert _edges(bolt["referrers"]) == [
        ("door", "bolt", 1),
        ("lift", "bolt", 1),
        ("tower", "bolt", 1),
        ("lift", "door", 2),
        ("tower", "door", 2),
        ("tower", "lift", 2),
    ]
    assert bolt["isComplete"] is True
    await api("DELETE", "/subjects/tower")
    assert (await _find(api, "lift"))["referrers"] == []
    assert _edges((await _find(api, "lift", "?deleted=true"))["referrers"]) == [("tower", "lift", 1)]


async def test_unqualified_references_are_of_the_context_of_their_schema(api: Api) -> None:
    await _register(api, ":.north:bolt")
    await _register(api, ":.north:door", ("Bolt", "bolt"))
    assert _edges((await _find(api, ":.north:door"))["references"]) == [(":.north:door", ":.north:bolt", 1)]


@pytest.mark.slow
async def test_the_nearest_500_in_each_direction_are_listed(api: Api) -> None:
    await _register(api, "bolt")
    for number in range(501):
        await _register(api, f"door{number}", ("Bolt", "bolt"))
    bolt = await _find(api, "bolt")
    assert (len(bolt["referrers"]), bolt["isComplete"]) == (500, False)


@pytest.mark.parametrize(
    ("path", "status", "code"), [("nothing/versions/1", 404, 40401), ("bolt/versions/x", 422, 42202)]
)
async def test_what_is_not_there_is_told_as_elsewhere(api: Api, path: str, status: int, code: int) -> None:
    await _register(api, "bolt")
    answered, answer = await api("GET", f"/subjects/{path}/references")
    assert (answered, answer["error_code"]) == (status, code)
