"""Acknowledge records of a queue: those of each process are passed on to it, at most once."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.ownership import Owner
from karapace_like.proxy import errors
from karapace_like.proxy.queues import receipts
from karapace_like.proxy.queues.receipts import Acknowledgement, ReceiptParser
from karapace_like.records import Outcome
from karapace_like.web.callers.permissions import on_group
from karapace_like.web.cluster.peers import NotReachedError, PeerResponse
from karapace_like.web.http import bodies
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.instance_owners import OWNERS
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.requests import check_fields, proxy
from karapace_like.web.queues.objects import ACKNOWLEDGE, AcknowledgementResult
from karapace_like.web.queues.requests import answer, decode_body, read_text
from karapace_like.web.routing import Route

_FIELDS = ("receipt", "outcome", "dead_letter_topic")
_EXAMPLE = '[{"receipt": "...", "outcome": "accept"}]'
_MAX_RECEIPTS = 10_000
_RENEW = "renew"
_encoder = msgspec.json.Encoder()
_results = msgspec.json.Decoder(list[AcknowledgementResult])


async def acknowledge_records(request: web.Request) -> web.Response:
    """POST /queues/{group}/acknowledge: Accept, release or reject records, each by its receipt."""
    acknowledgements = await _read_acknowledgements(request)
    letters = {
        acknowledgement.dead_letter_topic
        for acknowledgement in acknowledgements
        if acknowledgement.dead_letter_topic is not None
    }
    use_topics(request, Operation.WRITE, letters)
    of_owners: dict[Owner, list[int]] = {}
    for at, acknowledgement in enumerate(acknowledgements):
        of_owners.setdefault(acknowledgement.receipt.owner, []).append(at)
    results: list[AcknowledgementResult | None] = [None] * len(acknowledgements)

    async def acknowledge(owner: Owner, places: Sequence[int]) -> None:
        chosen = [acknowledgements[at] for at in places]
        for at, result in zip(places, await _acknowledge_at(request, owner, chosen), strict=True):
            results[at] = result

    await asyncio.gather(*(acknowledge(owner, places) for owner, places in of_owners.items()))
    return answer(request, results)


async def _acknowledge_at(
    request: web.Request, owner: Owner, acknowledgements: Sequence[Acknowledgement]
) -> list[AcknowledgementResult]:
    """Return the results of acknowledgements whose records one process holds."""
    queues = proxy(request).queues
    owners = request.config_dict.get(OWNERS)
    if owner == queues.owner:
        refusals = await queues.acknowledge(request.match_info["group"], acknowledgements)
        return [
            _report(acknowledgement, refusal)
            for acknowledgement, refusal in zip(acknowledgements, refusals, strict=True)
        ]
    if owners is None:
        return [_report(acknowledgement, receipts.owner_gone_error()) for acknowledgement in acknowledgements]
    try:
        response = await owners.ask_owner(
            request, owner, _encoder.encode([_describe(acknowledgement) for acknowledgement in acknowledgements])
        )
    except NotReachedError as error:
        refusal: ApiError = receipts.unknown_outcome_error(f"the process that holds the locks: {error}.")
    else:
        if response is not None and response.status == HTTPStatus.OK:
            results = _read_results(response)
            if results is not None and len(results) == len(acknowledgements):
                return results
        refusal = receipts.owner_gone_error() if response is None else _read_refusal(response)
    return [_report(acknowledgement, refusal) for acknowledgement in acknowledgements]


class _Plain(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """An acknowledgement as most clients send it, without a dead-letter topic."""

    receipt: str
    outcome: Outcome


_plain = msgspec.json.Decoder(list[_Plain])


async def _read_acknowledgements(request: web.Request) -> list[Acknowledgement]:
    """Return what the body says, quickly where it is as most clients send it; raise ApiError for a bad body."""
    text = await read_text(request)
    try:
        listed = _plain.decode(text)
    except NOT_JSON:
        return _parse(decode_body(text, _EXAMPLE))
    parser = ReceiptParser()
    parsed = [parser.parse(plain.receipt) for plain in listed]
    if (
        not 1 <= len(parsed) <= _MAX_RECEIPTS
        or None in parsed
        or len({plain.receipt for plain in listed}) < len(listed)
    ):
        return _parse(decode_body(text, _EXAMPLE))
    return [Acknowledgement(receipt, plain.outcome) for receipt, plain in zip(parsed, listed, strict=True) if receipt]


def _parse(value: object) -> list[Acknowledgement]:
    if not isinstance(value, list) or not 1 <= len(value) <= _MAX_RECEIPTS:
        expected = f"must be an array of 1 to {_MAX_RECEIPTS} objects such as {_EXAMPLE}"
        raise errors.violation("The body", expected, bodies.show(value))
    parser = ReceiptParser()
    parsed = [_parse_one(parser, JsonObject.of(element, f"[{at}]"), f"[{at}]") for at, element in enumerate(value)]
    named: set[receipts.Receipt] = set()
    for at, acknowledgement in enumerate(parsed):
        if acknowledgement.receipt in named:
            raise errors.violation(f"[{at}].receipt", "must be named once", str(acknowledgement.receipt))
        named.add(acknowledgement.receipt)
    return parsed


def _parse_one(parser: ReceiptParser, body: JsonObject, place: str) -> Acknowledgement:
    check_fields(body, _FIELDS)
    text, said, topic = body.string("receipt") or "", body.string("outcome") or "", body.string("dead_letter_topic")
    receipt = parser.parse(text[: receipts.MAX_LENGTH + 1])
    if receipt is None:
        raise errors.violation(f"{place}.receipt", "must be a receipt of a received record", text)
    if said == _RENEW:
        raise errors.violation(
            f"{place}.outcome",
            "cannot be renew: the Kafka client has no such call; set a longer lock_duration_ms",
            said,
        )
    try:
        outcome = Outcome(said)
    except ValueError as error:
        raise errors.violation(f"{place}.outcome", f"must be one of {', '.join(Outcome)}", said) from error
    if topic is not None and outcome is not Outcome.REJECT:
        raise errors.violation(f"{place}.dead_letter_topic", "is for the outcome reject", topic)
    return Acknowledgement(receipt, outcome, topic)


def _describe(acknowledgement: Acknowledgement) -> dict[str, str]:
    described = {"receipt": str(acknowledgement.receipt), "outcome": acknowledgement.outcome.value}
    topic = acknowledgement.dead_letter_topic
    return described if topic is None else described | {"dead_letter_topic": topic}


def _report(acknowledgement: Acknowledgement, refusal: ApiError | None) -> AcknowledgementResult:
    result = AcknowledgementResult(str(acknowledgement.receipt), acknowledgement.outcome)
    if refusal is not None:
        result.error_code, result.message = refusal.code, refusal.message
    return result


def _read_results(response: PeerResponse) -> list[AcknowledgementResult] | None:
    try:
        return _results.decode(response.body)
    except NOT_JSON:
        return None


def _read_refusal(response: PeerResponse) -> ApiError:
    """Return the error of a process that refused the whole request."""
    try:
        refusal = msgspec.json.decode(response.body, type=AcknowledgeRefusal)
    except NOT_JSON:
        return receipts.unknown_outcome_error("the process that holds the locks has sent no valid answer.")
    return ApiError(refusal.error_code, refusal.message)


class AcknowledgeRefusal(msgspec.Struct):
    """The error of another process."""

    error_code: int
    message: str


ROUTES = (
    Route(
        "POST",
        "/queues/{group}/acknowledge",
        acknowledge_records,
        ApiRole.DATA,
        ACKNOWLEDGE,
        permission=on_group(Operation.READ, is_write=True),
    ),
)
