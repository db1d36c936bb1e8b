"""Forward calls about a consumer instance to the process that has it: at most once to a node, and there to its worker.

Generated ids name their owner; ids that a client has chosen do not. A node that creates an instance with such an id
asks the other nodes whether they have it, and they cache the sender as its owner; the workers of a node claim such
ids (`Claims`). A process without a cached owner sends the call to all others at once; only the owner acts on it, and is
cached then.
"""

import asyncio
import functools

from aiohttp import web
from yarl import URL

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.ownership import Nodes, Owner, is_node, parse_owner
from karapace_like.process.lru import LruCache
from karapace_like.proxy import errors
from karapace_like.web.callers.access import is_from_worker, vouch
from karapace_like.web.cluster.peers import (
    NotReachedError,
    PeerResponse,
    Peers,
    build_forwarded_headers,
    is_from_node,
    is_worker,
)
from karapace_like.web.cluster.sibling_workers import SiblingWorkers
from karapace_like.web.http.errors import Handler, build_error_response
from karapace_like.web.http.streaming import is_connected, send_in_pieces
from karapace_like.web.proxy.requests import proxy

_MAKES = "X-Consumer-Owner"
"""In requests between our own nodes: the node that is about to create the instance."""
_STATE = "X-Consumer-Instance"
"""In 404 responses between our own processes: `_HERE`, or the `Absence` of the instance."""
_HERE = "here"
"""The responding process has the instance; something else was not found."""
_WORKER = "worker "
"""Prefix of the cached owner where that is a worker of this node."""
_REMEMBERED = 10_000
_LOOK_SECONDS = 0.1
"""Interval at which a disconnected client is noticed."""
_MEMBERSHIP_SECONDS = 2.0
"""Interval at which it is noticed that an unresponsive node has left the group."""
_EXISTS_SECONDS = 3.0
"""Time limit for the other nodes to answer whether they have an instance."""
_TRIES = 2
"""Attempts: a persistent connection may end while a request is sent. All calls about an instance are repeatable."""


class InstanceOwners:
    """Locates the consumer instances of other processes and forwards calls to them."""

    def __init__(self, here: Owner, nodes: Nodes, siblings: SiblingWorkers, peers: Peers) -> None:
        self._here = here
        self._nodes = nodes
        self._siblings = siblings
        self._peers = peers
        self._found: LruCache[tuple[str, str], str] = LruCache(_REMEMBERED)
        """(group, chosen id) -> the node that created it, or answered for it; a worker of this node."""

    def remember_sender(self, request: web.Request, group: str, instance_id: str) -> None:
        """Cache the owner that another node names in its request."""
        node = request.headers.get(_MAKES, "")
        if is_node(node):
            self._found.put((group, instance_id), node)

    async def answer(self, request: web.Request, group: str, instance_id: str) -> web.Response | None:
        """Return the answer of the instance's owner; None if only this process can be that; 40403 if it is gone."""
        owner = parse_owner(instance_id)
        if owner is not None and owner.node == self._here.node:
            return await self.answer_beside(request, group, instance_id)
        with errors.translate_kafka_failures():
            if owner is not None:
                return await self._answer_of(owner.node, request)
            return await self._answer_of_any(request, (group, instance_id), await self._others())

    async def answer_beside(self, request: web.Request, group: str, instance_id: str) -> web.Response | None:
        """Return the answer of the worker of this node with the instance; None if none has it; 40403: it is gone."""
        owner = parse_owner(instance_id)
        if owner is None:
            return await self._answer_of_any(request, (group, instance_id), self._workers())
        if owner == self._here or owner.node != self._here.node:
            return None
        address = self._siblings.addresses.get(owner.worker)
        answer = None if address is None else await self._forward("", address, request)
        if answer is None:
            raise errors.owner_gone_error("worker")
        return answer.to_response()

    async def ask_owner(self, request: web.Request, owner: Owner, body: bytes) -> PeerResponse | None:
        """Return the owner's response to this request with another body; None where the owner has ended.

        Raises NotReachedError where the owner may have acted on the request without a response, and ProxyError for
        what the cluster refuses.
        """
        if is_from_worker(request):
            return None
        if owner.node == self._here.node:
            address = self._siblings.addresses.get(owner.worker)
        elif is_from_node(request):
            return None
        else:
            with errors.translate_kafka_failures():
                address = await self._nodes.find_url(owner.node)
        if address is None:
            return None
        path, headers = request.rel_url.raw_path_qs, build_forwarded_headers(request, address)
        try:
            return await self._peers.ask(address, request.method, path, headers, body)
        except NotReachedError as error:
            if error.is_sent:
                raise
            return None

    async def check_free(self, request: web.Request, group: str, instance_id: str) -> None:
        """Raise 40902 if another node has an instance of this client-chosen id; 422 if the id names another owner.

        The workers of this node are not asked: an id that one of them has claimed cannot be claimed by another.
        """
        owner = parse_owner(instance_id)
        if owner is not None:
            if owner != self._here:
                raise errors.id_of_another_owner(instance_id)
            return
        with errors.translate_kafka_failures():
            others = await self._other_nodes()
        path = URL("/consumers").joinpath(group, "instances", instance_id, "assignments").raw_path
        headers = {}
        if authorization := request.headers.get("Authorization"):
            headers["Authorization"] = authorization

        async def has(url: str) -> bool:
            forwarded_headers = headers | {_MAKES: self._here.node}
            if self._peers.are_authenticated:
                vouch(request, forwarded_headers)
            try:
                async with asyncio.timeout(_EXISTS_SECONDS):
                    answer = await self._peers.ask(url, "GET", path, forwarded_headers, b"")
            except (NotReachedError, TimeoutError):
                return False  # the instances of an unreachable node are lost
            return answer.status == web.HTTPOk.status_code or _is_of_another_user(answer)

        if any(await asyncio.gather(*map(has, others.values()))):
            raise errors.consumer_exists()

    async def _others(self) -> dict[str, str]:
        return await self._other_nodes() | self._workers()

    async def _other_nodes(self) -> dict[str, str]:
        return {node: url for node, url in (await self._nodes.fetch_urls()).items() if node != self._here.node}

    def _workers(self) -> dict[str, str]:
        return {f"{_WORKER}{number}": address for number, address in self._siblings.addresses.items()}

    async def _answer_of_any(
        self, request: web.Request, key: tuple[str, str], others: dict[str, str]
    ) -> web.Response | None:
        owner = self._found.get(key)
        answers: dict[str, PeerResponse | None] = {}
        if owner is not None:
            url = others.pop(owner, None)
            answers[owner] = None if url is None else await self._forward(owner, url, request)
        if not any(map(_is_of_owner, answers.values())):
            requests = [self._forward(node, url, request) for node, url in others.items()]
            answers |= dict(zip(others, await asyncio.gather(*requests), strict=True))
        for node, answer in answers.items():
            if answer is not None and _is_of_owner(answer):
                self._found.put(key, node)
                return answer.to_response()
        if owner is not None and answers[owner] is None:
            raise errors.owner_gone_error("worker" if owner.startswith(_WORKER) else "node")
        return next(
            (answer.to_response() for answer in answers.values() if answer is not None and _tells_more(answer)), None
        )

    async def _answer_of(self, node: str, request: web.Request) -> web.Response:
        url = await self._nodes.find_url(node)
        answer = None if url is None else await self._forward(node, url, request)
        if answer is None:
            raise errors.owner_gone_error()
        return answer.to_response()

    async def _forward(self, node: str, url: str, request: web.Request) -> PeerResponse | None:
        """Return the node's answer; None if it cannot be reached, leaves meanwhile, or the client disconnects."""
        path = request.rel_url.raw_path_qs
        body, headers = await request.read(), build_forwarded_headers(request, url)
        for _ in range(_TRIES):
            response = asyncio.create_task(self._peers.ask(url, request.method, path, headers, body))
            needless = asyncio.create_task(self._wait_until_needless(node, url, request))
            try:
                await asyncio.wait([response, needless], return_when=asyncio.FIRST_COMPLETED)
                if not response.done():
                    return None
                return response.result()
            except NotReachedError as error:
                if not error.is_sent:
                    return None
            finally:
                response.cancel()
                needless.cancel()
        return None

    async def _wait_until_needless(self, node: str, url: str, request: web.Request) -> None:
        """Return once the client has disconnected, or the node or worker at the address has left."""
        loop = asyncio.get_running_loop()
        looked = loop.time()
        while is_connected(request):
            await asyncio.sleep(_LOOK_SECONDS)
            if is_worker(url):
                if url not in self._siblings.addresses.values():
                    return
            elif loop.time() - looked > _MEMBERSHIP_SECONDS:
                looked = loop.time()
                try:
                    if await self._nodes.find_url(node) != url:
                        return
                except KafkaFailure:
                    continue  # nothing is known of the node: it may still answer


OWNERS = web.AppKey("owners", InstanceOwners)


def at_owner(handler: Handler) -> Handler:
    """Return the handler for a call about the consumer instance of the path, wherever that instance is."""

    @functools.wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await _answer_at_owner(handler, request)
        except ApiError as error:
            if error.status != web.HTTPNotFound.status_code or not _is_from_inside(request):
                raise
            response = build_error_response(request.path, error)
            response.headers[_STATE] = error.absence if isinstance(error, errors.InstanceNotFoundError) else _HERE
            return response

    return answer


async def _answer_at_owner(handler: Handler, request: web.Request) -> web.StreamResponse:
    group, instance_id = request.match_info["group"], request.match_info["instance"]
    owners = request.config_dict.get(OWNERS)
    if owners is None or proxy(request).consumers.has(group, instance_id):
        return await handler(request)
    if is_from_node(request):
        owners.remember_sender(request, group, instance_id)
    if is_from_worker(request):
        return await handler(request)
    ask = owners.answer_beside if is_from_node(request) else owners.answer
    response = await ask(request, group, instance_id)
    if response is None:
        return await handler(request)
    if not is_from_node(request):
        response.headers.popall(_STATE, None)
    return await send_in_pieces(request, response, proxy(request).settings.stalled_after)


def _is_from_inside(request: web.Request) -> bool:
    return is_from_node(request) or is_from_worker(request)


def _is_of_owner(answer: PeerResponse | None) -> bool:
    """Return whether the process that answered has the instance: an owner may answer 404 too, for a partition."""
    return answer is not None and (answer.status != web.HTTPNotFound.status_code or answer.headers.get(_STATE) == _HERE)


def _is_of_another_user(answer: PeerResponse) -> bool:
    return answer.headers.get(_STATE) == errors.Absence.OTHER_USER


def _tells_more(answer: PeerResponse) -> bool:
    """Return whether the process that answered knows why the caller cannot use the instance."""
    return answer.headers.get(_STATE, errors.Absence.UNKNOWN) != errors.Absence.UNKNOWN
