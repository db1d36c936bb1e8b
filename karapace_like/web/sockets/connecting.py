"""One WebSocket connection to a topic.

The client grants credit: so many records are sent, each with the id after it, and no more before there is new credit.
Messages of the client are handled one after the other, so that a client that produces faster than Kafka takes waits.
"""

import asyncio
import logging

from aiohttp import WSCloseCode, WSMsgType, web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.produce import ProduceOptions
from karapace_like.proxy.push.subscriptions import Subscription, no_subscription_error
from karapace_like.web.callers import quotas
from karapace_like.web.callers.access import require
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.http import origins
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import text
from karapace_like.web.http.streaming import is_connected
from karapace_like.web.proxy.admission import Admission
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.produce import parse_produce_request, render_results
from karapace_like.web.proxy.records import render as render_record
from karapace_like.web.proxy.requests import find_reading, format_positions, instance_user, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.routing import Call, Route
from karapace_like.web.sockets import messages
from karapace_like.web.sockets.messages import Message

_HEARTBEAT_SECONDS = 30.0
_LOOK_SECONDS = 15.0
"""How often a subscription without records checks its caller again."""

logger = logging.getLogger(__name__)

_SOCKETS: web.AppKey[set[web.WebSocketResponse]] = web.AppKey("sockets", set)
"""Those that are open."""


def close_at_shutdown(app: web.Application) -> None:
    """Have open connections closed when the application stops: their clients go elsewhere at once."""
    app[_SOCKETS] = set()
    app.on_shutdown.append(_close_all)


async def _close_all(app: web.Application) -> None:
    sockets = app[_SOCKETS]
    closing = [socket.close(code=WSCloseCode.GOING_AWAY, message=b"the service stops") for socket in sockets]
    await asyncio.gather(*closing, return_exceptions=True)


async def connect(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/socket: Open a WebSocket to consume and produce the records of a topic."""
    origins.check_socket(request)
    socket = web.WebSocketResponse(
        heartbeat=_HEARTBEAT_SECONDS, compress=False, max_msg_size=request.client_max_size, timeout=1.0
    )
    if not socket.can_prepare(request).ok:
        raise errors.ProxyError(426, "HTTP 426 Upgrade Required: this call opens a WebSocket (RFC 6455), version 13.")
    usage = proxy(request).subscriptions.usage
    with usage.connections.hold(instance_user(request).counted_as):
        await socket.prepare(request)
        sockets, connection = request.config_dict.get(_SOCKETS, set()), _Connection(request, socket)
        sockets.add(socket)
        try:
            await connection.run()
        finally:
            sockets.discard(socket)
            await connection.end()
    return socket


class _Connection:
    """The messages of one connection, in both directions."""

    __slots__ = ("_admission", "_credit", "_granted", "_request", "_sending", "_socket", "_subscription", "_topic")

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self._socket = socket
        self._topic = request.match_info["topic"]
        self._admission = Admission(request)
        self._subscription: Subscription | None = None
        self._sending: asyncio.Task[None] | None = None
        self._credit = 0
        """Records that may be sent."""
        self._granted = asyncio.Event()
        """Set while there is credit."""

    async def run(self) -> None:
        """Handle messages until the client closes the connection."""
        async for frame in self._socket:
            if frame.type is not WSMsgType.TEXT:
                await self._say(messages.render_error(errors.bad_request("messages are texts, in JSON")))
                continue
            try:
                await self._admission.renew()
            except ApiError as error:
                await self._refuse(error)
                return
            try:
                quotas.admit_message(self._request, len(frame.data))
                await self._handle(messages.parse_message(frame.data))
            except ApiError as error:
                await self._say(messages.render_error(error))

    async def end(self) -> None:
        """End the subscription."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)
        if self._subscription is not None:
            self._subscription.close()

    async def _handle(self, message: Message) -> None:
        match message.kind:
            case "subscribe":
                await self._subscribe(message)
            case "credit":
                self._grant(messages.parse_credit(message.value))
            case "ack":
                await self._acknowledge(message)
            case _:
                await self._produce(message)

    async def _subscribe(self, message: Message) -> None:
        wanted, credit = messages.parse_subscribe(self._topic, message.value)
        use_topics(self._request, Operation.READ, [self._topic])
        if wanted.group is not None:
            proxy(self._request).internal.check_group(wanted.group)
            require(self._request, Operation.READ, ResourceKind.GROUP, [wanted.group])
        if self._subscription is not None:
            raise errors.ProxyError(40901, "This connection has a subscription already; open another connection.")
        self._subscription = await proxy(self._request).subscriptions.subscribe(wanted)
        await self._say(messages.render({"subscribed": {"id": format_positions(self._subscription.positions)}}))
        self._grant(credit)
        self._sending = asyncio.create_task(self._send(self._subscription))

    def _grant(self, credit: int) -> None:
        self._credit = min(self._credit + credit, messages.MAX_CREDIT)
        if self._credit:
            self._granted.set()

    async def _acknowledge(self, message: Message) -> None:
        if self._subscription is None:
            raise no_subscription_error()
        positions = messages.parse_acknowledged_positions(message.value)
        await proxy(self._request).subscriptions.acknowledge(self._subscription, positions)
        await self._say(messages.render({"acknowledged": format_positions(positions)}))

    async def _produce(self, message: Message) -> None:
        name, body = messages.split_produce(message.value)
        try:
            use_topics(self._request, Operation.WRITE, [self._topic])
            wanted = parse_produce_request(body)
            options = ProduceOptions(
                dict.fromkeys(RecordPart, EmbeddedFormat.JSON), reading=find_reading(self._request)
            )
            report = await proxy(self._request).producing.produce(
                self._topic, wanted, options, find_subject_rights(self._request)
            )
        except ApiError as error:
            await self._say(messages.render_error(error, name))
            return
        find_usage(self._request).produced += report.written_count
        await self._say(messages.render_produced_records(name, render_results(report)))

    async def _send(self, subscription: Subscription) -> None:
        """Send records while there is credit; close the connection where the caller may not read any more."""
        usage, pushed = find_usage(self._request), proxy(self._request).subscriptions.usage
        try:
            while True:
                await self._granted.wait()
                await self._check_reader()
                records = await subscription.next_records(
                    self._credit,
                    _LOOK_SECONDS,
                    find_subject_rights(self._request),
                    lambda: is_connected(self._request),
                )
                if records:
                    await self._check_reader()  # they may have been waited for
                for decoded in records:
                    subscription.note(decoded)
                    place = format_positions(subscription.positions)
                    shown = render_record(decoded, with_timestamp=True)
                    await self._say(messages.render({"id": place, "record": shown}))
                usage.consumed += len(records)
                pushed.pushed += len(records)
                self._credit -= len(records)
                if not self._credit:
                    self._granted.clear()
        except ApiError as error:
            await self._refuse(error)
        except ConnectionError:
            return  # the client has left
        except Exception:
            logger.exception("Unexpected failure of a WebSocket connection")
            await self._socket.close(code=WSCloseCode.INTERNAL_ERROR)

    async def _check_reader(self) -> None:
        """Raise ApiError if the caller may not read the topic any more."""
        await self._admission.renew()
        use_topics(self._request, Operation.READ, [self._topic])

    async def _say(self, message: str) -> None:
        """Send a message; disconnect a client that reads nothing."""
        try:
            async with asyncio.timeout(proxy(self._request).settings.stalled_after):
                await self._socket.send_str(message)
        except TimeoutError:
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionResetError from None
        quotas.charge_message(self._request, len(message))

    async def _refuse(self, error: ApiError) -> None:
        """Say why the connection ends, and end it."""
        await self._say(messages.render_error(error))
        await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"see the last message")


CONNECT = Call(status=101, response=text(""))
ROUTES = (
    Route(
        "GET",
        "/topics/{topic}/socket",
        connect,
        ApiRole.DATA,
        CONNECT,
        permission=on_topic(Operation.READ, Operation.WRITE),
    ),
)
