"""The violations that the nodes of the service have seen: each node counts its own, and asks the others for theirs."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON, KafkaFailure
from karapace_like.web.cluster.peers import PEERS, NotReachedError, build_forwarded_headers
from karapace_like.web.proxy_v3.policies import PolicyServices

_SECONDS = 2.0
"""How long to wait for a node."""
_MAX_EXAMPLES = 20


class NodeViolations(msgspec.Struct):
    """What one node answers, as clients see it."""

    counts: list[dict[str, Any]]
    examples: list[dict[str, Any]]


_decode = msgspec.json.Decoder(NodeViolations).decode


async def ask_other_nodes(request: web.Request, services: PolicyServices) -> list[NodeViolations | None] | None:
    """Return the answer of each other node, None for one that gives none in time; None if they are not known.

    They answer with the rights of the caller.
    """
    if services.nodes is None:
        return None
    try:
        urls = await services.nodes.fetch_urls()
    except KafkaFailure:
        return None
    return list(await asyncio.gather(*(_ask(request, url) for node, url in urls.items() if node != services.here)))


async def _ask(request: web.Request, url: str) -> NodeViolations | None:
    headers = build_forwarded_headers(request, url)
    try:
        async with asyncio.timeout(_SECONDS):
            response = await request.config_dict[PEERS].ask(url, "GET", request.rel_url.raw_path, headers, b"")
        return _decode(response.body) if response.status == HTTPStatus.OK else None
    except (NotReachedError, TimeoutError, *NOT_JSON):
        return None


def merge_violations(own: NodeViolations, answers: Sequence[NodeViolations | None] | None) -> dict[str, Any]:
    """Return counts, examples and the number of nodes of a response; `answers` are None where they are not known."""
    answered = [own, *(answer for answer in answers or () if answer is not None)]
    counted: Counter[tuple[str, str, str]] = Counter()
    for violations in answered:
        for count in violations.counts:
            counted[count["mode"], count["part"], count["reason"]] += count["count"]
    counts = [
        {"mode": mode, "part": part, "reason": reason, "count": count}
        for (mode, part, reason), count in counted.most_common()
    ]
    examples = [example for violations in answered for example in violations.examples]
    examples.sort(key=lambda example: str(example["timestamp"]), reverse=True)
    known = None if answers is None else 1 + len(answers)
    return {
        "counts": counts,
        "examples": examples[:_MAX_EXAMPLES],
        "nodes": {"answered": len(answered), "known": known},
    }
