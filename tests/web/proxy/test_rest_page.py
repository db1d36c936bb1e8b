"""The examples of pages about the REST proxy, sent in order to a service of their own for each page."""

from collections.abc import Iterable

import msgspec
import pytest
from confluent_kafka.admin import AdminClient
from yarl import URL

from karapace_like.kafka.cluster import Cluster
from tests.forms import shorten
from tests.kafka.service_in_process import serving
from tests.markdown_examples import Example, examples
from tests.web.proxy.conftest import create_topic

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


TOPICS = {"request-reply.md": ("lift-questions", "lift-answers")}
"""Topics that a page presupposes."""


@pytest.mark.parametrize("page", shorten(["rest.md", "rest-consumers.md", "queues.md", "request-reply.md", "files.md"]))
async def test_every_example_is_answered_as_shown(page: str) -> None:
    """Each builds on those before it: the offsets and ids on the page are the ones that come.

    So they have a Kafka of their own: other tests, too, write to topics of these names.
    """
    found = list(examples(page))
    assert found
    with Cluster() as kafka:
        await _send_all(found, kafka, TOPICS.get(page, ()))


async def _send_all(found: list[Example], kafka: Cluster, topics: Iterable[str]) -> None:
    async with serving(kafka, "_schemas", rest_base_uri="http://127.0.0.1:8082") as service:
        for topic in topics:
            create_topic(AdminClient({"bootstrap.servers": kafka.bootstrap_servers}), topic)
        for each in found:
            path = URL(each.path, encoded=True)
            async with service.session.request(each.method, path, data=each.body, headers=each.headers) as answer:
                text = await answer.read()
            assert answer.status == each.status, (each, text)
            assert each.answer is None or msgspec.json.decode(text) == each.answer, each
