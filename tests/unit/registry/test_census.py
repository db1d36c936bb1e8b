"""The counted numbers are those of the state, after every record of every dialect."""

from collections import Counter

import pytest

from karapace_like.registry import apply, records
from karapace_like.registry.store import Store
from tests.web.schemas_topics import CONFLUENT, KARAPACE, REDPANDA, Log


@pytest.mark.parametrize("log", [CONFLUENT, KARAPACE, REDPANDA], ids=["Confluent", "Karapace", "Redpanda"])
def test_the_census_is_what_counting_gives(log: Log) -> None:
    store = Store()
    for key, value in log:
        apply.apply(store, records.decode(key, value), key=key, timestamp=0, holds_value=bool(value))
        stored = list(store.all_versions())
        contents = [
            content
            for context in store.contexts.values()
            for held in context.ids.values()
            for content in {each.content for each in held}
        ]
        versions = Counter((each.content.type.value, "deleted" if each.deleted else "live") for each in stored)
        schemas = Counter((each.type.value,) for each in contents)
        characters: Counter[tuple[str]] = Counter()
        for each in contents:
            characters[each.type.value,] += len(each.text)
        # A Counter compares as if what it does not have were 0.
        assert Counter(store.census.versions) == versions
        assert Counter(store.census.schemas) == schemas
        assert Counter(store.census.characters) == characters
