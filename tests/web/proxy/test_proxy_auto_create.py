"""Topics that are not there, where the brokers do not make them (`auto.create.topics.enable=false`)."""

from collections.abc import Callable

import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import media_type, running

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


@pytest.mark.long
async def test_a_topic_that_nobody_makes_fails_its_records_only(topic: Callable[[], str]) -> None:
    """Within the time that its metadata is waited for; what goes to other topics is written."""
    missing = topic()
    with Cluster(properties={"auto.create.topics.enable": "false"}) as kafka:
        async with running(kafka, ProxySettings(), metadata_timeout=0.5) as proxy:
            known = proxy.create_topic(topic())
            body = {"records": [{"topic": missing, "value": 1}, {"topic": known, "value": 2}]}
            status, report = await proxy("POST", "/records", body, sent_as=media_type("json"))
            assert status == 200
            assert [each["error_code"] for each in report["offsets"]] == [50003, None]
            for path in (f"/topics/{missing}", f"/topics/{missing}/partitions/0"):
                one = {"records": [{"value": 1}]}
                status, report = await proxy("POST", path, one, sent_as=media_type("json"))
                assert (status, [each["error_code"] for each in report["offsets"]]) == (200, [50003])
            assert missing not in (await proxy("GET", "/topics"))[1]
            assert (await proxy("GET", f"/topics/{missing}"))[1]["error_code"] == 40403
