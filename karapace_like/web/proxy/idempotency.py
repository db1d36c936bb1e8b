"""Carry out a produce request with an `Idempotency-Key` once, and repeat its answer.

The header is that of draft-ietf-httpapi-idempotency-key. A key belongs to the caller, the
method and the path. The primary writes; any other process forwards the whole request, unless it has the answer already.
"""

import asyncio
import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.proxy import atomic, errors
from karapace_like.proxy.errors import ProxyError
from karapace_like.receipts.errors import NotWrittenError, UnknownWriteError
from karapace_like.receipts.receipts import Claim, JointRecords, Receipts
from karapace_like.receipts.records import Answer, Receipt
from karapace_like.records import Delivery, OutgoingRecord
from karapace_like.replication import errors as log_errors
from karapace_like.replication.errors import LogError
from karapace_like.replication.writes import Forwarded, Unknown
from karapace_like.web.callers import access
from karapace_like.web.callers.access import caller, is_from_worker
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.cluster.forwarding import APPLIED, RequestForwarder, add_position
from karapace_like.web.cluster.peers import PeerResponse, is_from_node
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.proxy.requests import KAFKA_USER, PROXY_OF_CALLER

RECEIPTS = web.AppKey("receipts", Receipts)

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
MAX_RECORDS = 10_000
_MAX_TOPICS = 1_000
"""Topics of one request, so that its answer fits into a record."""
_MAX_KEY = 255
_CHECKS_AT_ONCE = 32
"""Requests to the brokers for the rights of one caller."""
_DIGEST_BYTES = 16
_KEY = re.compile(rf"[!-~][ -~]{{0,{_MAX_KEY - 1}}}")
_QUOTED = re.compile(r'"((?:[^"\\]|\\["\\])*)"')
"""A string of structured headers (RFC 9651, 3.3.3), as the draft has it; bare keys are taken, too."""
_TIMED = 7
"""The version of UUIDs that begin with milliseconds since the epoch."""
_REPEAT = "Repeat the request with the same Idempotency-Key."

Encode = Callable[[], Awaitable[Sequence[OutgoingRecord]]]
Render = Callable[[Sequence[Delivery]], EncodedResponse]
"""Called in a thread."""


def read_key(request: web.Request) -> str | None:
    """Return the key of the request, None if it has none; raises ProxyError 400 for one that cannot be used."""
    sent = request.headers.getall(HEADER, ())
    if not sent:
        return None
    quoted = _QUOTED.fullmatch(sent[0].strip())
    key = sent[0].strip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted[1])
    if len(sent) > 1 or not _KEY.fullmatch(key):
        raise ProxyError(
            400,
            f"{HEADER} must be sent once, with 1 to {_MAX_KEY} printable ASCII characters, such as a UUID (was "
            f"{errors.quote(', '.join(sent))}).",
        )
    return key


def refuse_key(request: web.Request, instead: str) -> None:
    """Raise ProxyError 422 for a request with a key where none can be taken; `instead` says what to use."""
    if HEADER in request.headers:
        raise ProxyError(422, f"{HEADER} is not taken here: {instead}")


def check_size(topics: Sequence[str]) -> None:
    """Raise ProxyError 413 for a request whose answer might not fit into a record."""
    if len(topics) > MAX_RECORDS:
        raise errors.too_many_records(len(topics), MAX_RECORDS)
    if len(topics) > _MAX_TOPICS and len(set(topics)) > _MAX_TOPICS:
        raise ProxyError(413, f"With {HEADER}, a request has records of at most {_MAX_TOPICS} topics.")


async def produce_once(request: web.Request, key: str, encode: Encode, render: Render) -> web.Response:
    """Return the answer of the first request with this key, which may be this one."""
    receipts = request.config_dict.get(RECEIPTS)
    if receipts is None:
        raise ProxyError(
            422,
            f"{HEADER} is not served by this service (idempotency_enabled is false); leave it out.",
        )
    claim = await _make_claim(request, key)
    try:
        receipt = receipts.find(claim)
        if receipt is None:
            return await _write(request, receipts, claim, encode, render)
    except ApiError as error:
        receipts.outcomes["refused",] += 1
        raise _translate(request, error) from error
    receipts.outcomes["repeated",] += 1
    response = _respond(request, receipts, receipt)
    response.headers[REPLAYED] = "true"
    return response


async def _make_claim(request: web.Request, key: str) -> Claim:
    created = None
    try:
        parsed = uuid.UUID(key)
    except ValueError:
        pass
    else:
        created = (parsed.int >> 80) / 1000 if parsed.version == _TIMED else None
    return Claim(
        _digest(
            _name_caller(request).encode("utf-8", "surrogatepass"),
            request.method.encode(),
            _path(request),
            key.encode(),
        ),
        _digest(
            request.headers.get("Content-Type", "").encode("utf-8", "surrogateescape"),
            request.rel_url.raw_query_string.encode(),
            await request.read(),
        ),
        key,
        created,
    )


def _name_caller(request: web.Request) -> str:
    """Return whom a key belongs to; raises ProxyError 422 for a token of Kafka that does not say whose it is."""
    if PROXY_OF_CALLER not in request:
        return caller(request).principal.name
    user: str | None = request.get(KAFKA_USER)
    if user is None:
        raise ProxyError(
            422,
            f"{HEADER} needs a token with a subject (the claim sub of a JWT), which stays the same when the token is "
            "renewed; leave the header out, or authenticate by another token or a password.",
        )
    return user


async def _require_writing(request: web.Request, topics: Collection[str]) -> None:
    """Raise ProxyError 40301 for a topic that Kafka does not let the caller write to: this service writes for them.

    50303 where the brokers do not say it.
    """
    proxy = request.get(PROXY_OF_CALLER)
    if proxy is None:  # the route has checked the caller's permissions
        return
    names = sorted(topics)
    for start in range(0, len(names), _CHECKS_AT_ONCE):
        some = names[start : start + _CHECKS_AT_ONCE]
        try:
            are_allowed = await asyncio.gather(*map(proxy.topics.may_write, some))
        except ProxyError as error:
            if error.code == errors.RETRIABLE:
                raise atomic.nothing_written_error(error.message) from error
            raise
        denied = [topic for topic, is_allowed in zip(some, are_allowed, strict=True) if not is_allowed]
        if denied:
            raise atomic.writing_denied_error(denied[0])


def _path(request: web.Request) -> bytes:
    return request.path.encode("utf-8", "surrogatepass")


def _digest(*parts: bytes) -> bytes:
    """Return the digest of the parts, each with its length."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "big") + part)
    return hashed.digest()[:_DIGEST_BYTES]


async def _write(
    request: web.Request, receipts: Receipts, claim: Claim, encode: Encode, render: Render
) -> web.Response:
    count = 0

    async def join() -> JointRecords:
        nonlocal count
        records = await encode()
        await _require_writing(request, {record.topic for record in records})
        count = len(records)
        return JointRecords(records, partial(_render, render))

    match await receipts.write_once(claim, join, RequestForwarder(request)):
        case Forwarded(response):
            access.leave_audit_to_primary(request)
            return _relay(request, receipts, response)
        case Unknown(reason):
            raise _unknown(request, f"{reason.removesuffix('.')}.")
    receipt = receipts.find(claim)
    if receipt is None:
        raise _unknown(request, "The answer's time is over already.")
    receipts.outcomes["written",] += 1
    find_usage(request).produced += count
    return _respond(request, receipts, receipt)


def _render(render: Render, deliveries: Sequence[Delivery]) -> Answer:
    response = render(deliveries)
    return Answer(response.status, response.content_type, response.body)


def _respond(request: web.Request, receipts: Receipts, receipt: Receipt) -> web.Response:
    answer = receipt.read_answer()
    response = web.Response(status=answer.status, body=answer.body, content_type=answer.media_type)
    add_position(request, response, receipts)
    return response


def _relay(request: web.Request, receipts: Receipts, answer: PeerResponse) -> web.Response:
    """Return the primary's response; raises ProxyError where that is no process that knows keys."""
    if answer.status in {404, 405} and _error_code(answer) == answer.status:
        raise ProxyError(
            503,
            "The primary does not serve the REST proxy (karapace_rest, listeners), and it alone writes for requests "
            f"with an {HEADER}. Nothing was written.",
        )
    response = answer.to_response()
    is_marked = response.headers.popall(APPLIED, None) is not None
    if response.status < web.HTTPBadRequest.status_code and not is_marked:
        raise _unknown(
            request, f"the primary is of a release that does not know {HEADER}, and has written the records."
        )
    add_position(request, response, receipts)
    return response


class _Refusal(msgspec.Struct):
    error_code: int = 0


def _error_code(answer: PeerResponse) -> int:
    try:
        return msgspec.json.decode(answer.body, type=_Refusal).error_code
    except NOT_JSON:
        return 0


def _translate(request: web.Request, error: ApiError) -> ApiError:
    """Return the error for the client, which says what was written; another process gets those of logs."""
    match error:
        case NotWrittenError():
            return atomic.not_written_error(error.failure)
        case UnknownWriteError():
            return _unknown(request, error.message)
        case LogError() if error.code != _TOO_MANY and not _is_from_inside(request):
            is_known = error.status == web.HTTPServiceUnavailable.status_code or error.code == _TIMED_OUT
            return atomic.nothing_written_error(error.message) if is_known else _unknown(request, error.message)
    return error


_TOO_MANY = 42901
_TIMED_OUT = log_errors.write_timed_out_error(0).code


def _unknown(request: web.Request, reason: str) -> ApiError:
    """Return the error for an outcome that is not known; a process that has forwarded the request asks again."""
    if _is_from_inside(request):
        return log_errors.forwarding_failed_error(reason)
    return atomic.unknown_error(f"{reason} {_REPEAT}")


def _is_from_inside(request: web.Request) -> bool:
    return is_from_node(request) or is_from_worker(request)
