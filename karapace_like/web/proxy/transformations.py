"""Write what a consumer instance has made of its records, and commit their offsets, in one transaction."""

from aiohttp import web
from msgspec.structs import replace

from karapace_like.access.policy import Operation
from karapace_like.proxy.produce import TopicsRequest
from karapace_like.records import GroupProgress
from karapace_like.web.callers.permissions import on_group
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.request_bodies import read_body
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.proxy.consumers import find_instance, require_reading
from karapace_like.web.proxy.idempotency import refuse_key
from karapace_like.web.proxy.instance_owners import at_owner
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.objects import PRODUCE_ROUTED
from karapace_like.web.proxy.produce import parse_head, write_to_topics
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.routing import Route


async def produce_and_commit(request: web.Request) -> web.Response:
    """POST .../records: Write records to several topics, and commit the offsets of polled records, together."""
    refuse_key(request, "the committed offsets say whether the records were written.")
    head = parse_head(request)
    wanted = head.parse_body(await read_body(request), TopicsRequest)
    use_topics(request, Operation.WRITE, (record.topic for record in wanted.records))
    instance, rights = find_instance(request), find_subject_rights(request)
    require_reading(request, instance)

    async def write(progress: GroupProgress) -> EncodedResponse:
        options = replace(head.options, is_atomic=True, progress=progress)
        return await write_to_topics(replace(head, options=options), wanted, rights)

    return (await instance.commit_with(write)).to_response()


ROUTES = (
    Route(
        "POST",
        "/consumers/{group}/instances/{instance}/records",
        at_owner(produce_and_commit),
        ApiRole.DATA,
        PRODUCE_ROUTED._replace(headers=(), accepted=None),
        permission=on_group(Operation.READ, is_write=True),
    ),
)
