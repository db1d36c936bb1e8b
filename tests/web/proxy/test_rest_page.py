"""The examples of pages about the REST proxy, sent in order to a service of their own for each page."""

from collections.abc import Iterable

import msgspec
import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.markdown_examples import Example, examples
from tests.web.proxy.conftest import running

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


TOPICS = {"request-reply.md": ("lift-questions", "lift-answers")}
"""Topics that a page presupposes."""


@pytest.mark.parametrize("page", ["rest.md", "rest-consumers.md", "queues.md", "request-reply.md"])
async def test_every_example_is_answered_as_shown(page: str) -> None:
    """Each builds on those before it: the offsets and ids on the page are the ones that come.

    So they have a Kafka of their own: other tests, too, write to topics of these names.
    """
    found = list(examples(page))
    assert found
    with Cluster() as kafka:
        await _send_all(found, kafka, TOPICS.get(page, ()))


async def _send_all(found: list[Example], kafka: Cluster, topics: Iterable[str]) -> None:
    async with running(kafka, ProxySettings(base_uri="http://127.0.0.1:8082")) as proxy:
        for topic in topics:
            proxy.create_topic(topic)
        for each in found:
            answer = await proxy.client.request(each.method, each.path, data=each.body, headers=each.headers)
            text = await answer.read()
            assert answer.status == each.status, (each, text)
            assert each.answer is None or msgspec.json.decode(text) == each.answer, each
