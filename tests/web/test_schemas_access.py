"""What the proxy shows its callers of a registry that it calls in its own name."""

import pytest

from karapace_like.client.registry_client import RegistryClient
from karapace_like.errors import ApiError
from karapace_like.proxy.ports import Schemas
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.schema.model import SchemaType, UnparsedSchema
from karapace_like.schemas_access.registry_in_process import RegistrySchemas
from karapace_like.schemas_access.registry_over_http import RemoteSchemas
from karapace_like.web.cluster.peers import Peers
from tests.web.conftest import Api, in_memory

EARLIER = '{"type":"record","name":"R","fields":[{"name":"zugspitze","type":"int"}]}'
LATER = UnparsedSchema(SchemaType.AVRO, '{"type":"record","name":"R","fields":[{"name":"added","type":"int"}]}')


class WriterRights:
    """The rights of a caller who may register in every subject, and read none."""

    def may_read(self, _: str) -> bool:
        return False

    def require_reading(self, _: str) -> None:
        raise ApiError(403, "no")

    def require_registering(self, _: str) -> None:
        pass

    async def may_write_topic(self, _: str) -> bool:
        return True

    async def refuse_new(self, _: str) -> None:
        pass


async def register_incompatible(schemas: Schemas, rights: SubjectRights) -> str:
    with pytest.raises(ApiError) as refused:
        await schemas.register("s", LATER, rights)
    assert (refused.value.status, refused.value.code) == (409, 40901)
    return refused.value.message


@pytest.mark.parametrize("rights", [WriterRights(), ALL_SUBJECTS])
@pytest.mark.parametrize("place", ["at the primary", "over HTTP"])
async def test_an_earlier_schema_is_shown_to_its_readers_only(api: Api, rights: SubjectRights, place: str) -> None:
    """Whichever process refuses the new one: it is asked in the name of the service, which may read everything."""
    assert (await api("POST", "/subjects/s/versions", {"schema": EARLIER}))[0] == 200
    url = str(api.client.make_url("/")).rstrip("/")
    if place == "over HTTP":
        async with RegistryClient(url) as client:
            message = await register_incompatible(RemoteSchemas(client), rights)
    else:
        (follower, _), peers = in_memory(), Peers()
        follower.follow(url)
        message = await register_incompatible(RegistrySchemas(follower, peers), rights)
        await peers.close()
    assert ("zugspitze" in message) is (rights is ALL_SUBJECTS)
