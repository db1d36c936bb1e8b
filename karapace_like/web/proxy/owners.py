"""Calls about a consumer instance that another process has: sent on to its node at most once, and there to its worker.

An id of this product names its owner. One that a client has chosen does not: who makes such an instance asks the
others whether they have it, and they remember who asked. Who does not know goes to all others at once, of which the
owner alone does something about the call, and remembers who that was.
"""

import asyncio
import functools

import msgspec
from aiohttp import web
from yarl import URL

from karapace_like.errors import KafkaFailure
from karapace_like.ownership import Nodes, Owner, is_node, owner_of
from karapace_like.proxy import errors
from karapace_like.recent import Recent
from karapace_like.web.access import is_from_worker, vouch
from karapace_like.web.errors import Handler
from karapace_like.web.neighbours import Neighbours
from karapace_like.web.peers import Answer, NotReachedError, Peers, is_hop, is_worker, passed_on_headers
from karapace_like.web.proxy.requests import proxy
from karapace_like.web.streaming import in_pieces, is_connected

_MAKES = "X-Consumer-Owner"
"""In questions between our own nodes: the node that is about to make the instance."""
_WORKER = "worker "
"""Begins the name under which a worker of this node is remembered."""
_REMEMBERED = 10_000
_LOOK_SECONDS = 0.1
"""How soon it is noticed that a client has left."""
_MEMBERSHIP_SECONDS = 2.0
"""How soon it is noticed that a node which does not answer has left."""
_EXISTS_SECONDS = 3.0
"""How long the others may take to say whether they have an instance."""
_TRIES = 2
"""A kept connection may end while a request is sent. No call about an instance does harm when it is sent again."""


class Owners:
    """Where consumer instances are that this process does not have."""

    def __init__(self, here: Owner, nodes: Nodes, neighbours: Neighbours, peers: Peers) -> None:
        self._here = here
        self._nodes = nodes
        self._neighbours = neighbours
        self._peers = peers
        self._found: Recent[tuple[str, str], str] = Recent(_REMEMBERED)
        """(group, chosen id) -> the node that has made it, or has answered for it; of this node, the worker."""

    def note(self, request: web.Request, group: str, instance_id: str) -> None:
        """Remember what another node tells of itself."""
        node = request.headers.get(_MAKES, "")
        if is_node(node):
            self._found.keep((group, instance_id), node)

    async def answer(self, request: web.Request, group: str, instance_id: str) -> web.Response | None:
        """The answer of the instance's owner; None: there is none but this process, 40403: it is gone."""
        owner = owner_of(instance_id)
        if owner is not None and owner.node == self._here.node:
            return await self.answer_beside(request, group, instance_id)
        with errors.kafka_failures():
            if owner is not None:
                return await self._answer_of(owner.node, request)
            return await self._answer_of_any(request, (group, instance_id), await self._others())

    async def answer_beside(self, request: web.Request, group: str, instance_id: str) -> web.Response | None:
        """The answer of another worker of this node that has the instance; None: none has it, 40403: it is gone."""
        owner = owner_of(instance_id)
        if owner is None:
            return await self._answer_of_any(request, (group, instance_id), self._workers())
        if owner == self._here or owner.node != self._here.node:
            return None
        address = self._neighbours.addresses.get(owner.worker)
        answer = None if address is None else await self._passed_on("", address, request)
        if answer is None:
            raise errors.owner_gone("worker")
        return answer.response()

    async def check_free(self, request: web.Request, group: str, instance_id: str) -> None:
        """40902 if another node has an instance of this id, which a client has chosen; 422: it names another owner."""
        owner = owner_of(instance_id)
        if owner is not None:
            if owner != self._here:
                raise errors.names_another_owner(instance_id)
            return
        with errors.kafka_failures():
            others = await self._others()
        path = URL("/consumers").joinpath(group, "instances", instance_id, "assignments").raw_path
        headers = {}
        if authorization := request.headers.get("Authorization"):
            headers["Authorization"] = authorization

        async def has(url: str) -> bool:
            told = dict(headers)
            if is_worker(url) or self._peers.prove_themselves:
                vouch(request, told)
            if not is_worker(url):
                told[_MAKES] = self._here.node
            try:
                async with asyncio.timeout(_EXISTS_SECONDS):
                    answer = await self._peers.ask(url, "GET", path, told, b"")
            except (NotReachedError, TimeoutError):
                return False  # what a node has that is gone, is gone
            return answer.status == web.HTTPOk.status_code or _is_of_another_user(answer)

        if any(await asyncio.gather(*map(has, others.values()))):
            raise errors.consumer_exists()

    async def _others(self) -> dict[str, str]:
        nodes = {node: url for node, url in (await self._nodes.all()).items() if node != self._here.node}
        return nodes | self._workers()

    def _workers(self) -> dict[str, str]:
        return {f"{_WORKER}{number}": address for number, address in self._neighbours.addresses.items()}

    async def _answer_of_any(
        self, request: web.Request, key: tuple[str, str], others: dict[str, str]
    ) -> web.Response | None:
        known = self._found.get(key)
        answers: dict[str, Answer | None] = {}
        if known is not None:
            url = others.pop(known, None)
            answers[known] = None if url is None else await self._passed_on(known, url, request)
        if not any(map(_is_of_owner, answers.values())):
            asked = [self._passed_on(node, url, request) for node, url in others.items()]
            answers |= dict(zip(others, await asyncio.gather(*asked), strict=True))
        for node, answer in answers.items():
            if answer is not None and _is_of_owner(answer):
                self._found.keep(key, node)
                return answer.response()
        if known is not None and answers[known] is None:
            raise errors.owner_gone("worker" if known.startswith(_WORKER) else "node")
        return next((each.response() for each in answers.values() if each is not None and _tells_more(each)), None)

    async def _answer_of(self, node: str, request: web.Request) -> web.Response:
        url = await self._nodes.url(node)
        answer = None if url is None else await self._passed_on(node, url, request)
        if answer is None:
            raise errors.owner_gone()
        return answer.response()

    async def _passed_on(self, node: str, url: str, request: web.Request) -> Answer | None:
        """The node's answer; None if it cannot be reached, leaves meanwhile, or the client does."""
        path = request.rel_url.raw_path_qs
        body, headers = await request.read(), passed_on_headers(request, url)
        for _ in range(_TRIES):
            asked = asyncio.create_task(self._peers.ask(url, request.method, path, headers, body))
            needless = asyncio.create_task(self._needless(node, url, request))
            try:
                await asyncio.wait([asked, needless], return_when=asyncio.FIRST_COMPLETED)
                if not asked.done():
                    return None
                return asked.result()
            except NotReachedError as error:
                if not error.is_sent:
                    return None
            finally:
                asked.cancel()
                needless.cancel()
        return None

    async def _needless(self, node: str, url: str, request: web.Request) -> None:
        """Return once the client has left, or the node or worker at the address."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while is_connected(request):
            await asyncio.sleep(_LOOK_SECONDS)
            if is_worker(url):
                if url not in self._neighbours.addresses.values():
                    return
            elif loop.time() - looked > _MEMBERSHIP_SECONDS:
                looked = loop.time()
                try:
                    if await self._nodes.url(node) != url:
                        return
                except KafkaFailure:
                    continue  # nothing is known of the node: it may still answer


OWNERS = web.AppKey("owners", Owners)


def at_owner(handler: Handler) -> Handler:
    """The handler, for a call about the consumer instance of the path, whichever process has it."""

    @functools.wraps(handler)
    async def answered(request: web.Request) -> web.StreamResponse:
        group, instance_id = request.match_info["group"], request.match_info["instance"]
        owners = request.config_dict.get(OWNERS)
        if owners is None or proxy(request).consumers.has(group, instance_id):
            return await handler(request)
        if is_hop(request):
            owners.note(request, group, instance_id)
        if is_from_worker(request):
            return await handler(request)
        ask = owners.answer_beside if is_hop(request) else owners.answer
        found = await ask(request, group, instance_id)
        if found is None:
            return await handler(request)
        return await in_pieces(request, found, proxy(request).settings.stalled_after)

    return answered


def _is_of_owner(answer: Answer | None) -> bool:
    """Whether the node has the instance, as far as the status tells: owners answer 404 too."""
    return answer is not None and answer.status != web.HTTPNotFound.status_code


def _is_of_another_user(answer: Answer) -> bool:
    return errors.consumer_of_another_user().message.encode() in answer.body


def _tells_more(answer: Answer) -> bool:
    """Whether the node knows the instance, or why it does not have it any more."""
    try:
        found = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.MsgspecError:
        return False
    plain = errors.consumer_not_found()
    return found.error_code // 100 == plain.status and found.message != plain.message


class _Refusal(msgspec.Struct):
    error_code: int
    message: str
