"""Requests with a schema that differ in subject and body only: after the first one, they are answered without aiohttp.

A handler that has answered one offers the function that answers such requests. What that function refuses is left to
aiohttp and the handler, so that refusals are written in one place (docs/adr/0005-shortcuts.md).
"""

import logging
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple, TypeAlias

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.registry.registration import Submission
from karapace_like.registry.registry import CacheValidity, Registry
from karapace_like.replication import errors
from karapace_like.web.callers import access
from karapace_like.web.callers.access import ACCESS, ANYONE, OpenAccess
from karapace_like.web.cluster.peers import is_from_node
from karapace_like.web.cluster.writing import NotPrimaryError
from karapace_like.web.http import bodies, responses
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.dialects import Dialect
from karapace_like.web.http.errors import encode_error
from karapace_like.web.http.media_types import REGISTRY_OFFER
from karapace_like.web.http.overload import REQUEST_LIMIT, RequestLimit
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.registry import requests
from karapace_like.web.server.caching import CACHING, BySegment

logger = logging.getLogger(__name__)

_PLAIN_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")
"""The spellings of subjects that are answered here: nothing in them has to be decoded or qualified."""


class SubjectAnswer(NamedTuple):
    """What a call responds with, where it succeeds."""

    value: Any
    """Encoded as JSON."""
    validity: CacheValidity | None
    """Of the response; None: it is not cached."""


AnswerSubmission: TypeAlias = Callable[[Registry, str, Submission], Awaitable[SubjectAnswer]]
"""Answers a request by subject, with aliases resolved, and submission, for a caller who may do everything; raises
ApiError, or NotPrimaryError for a write that another node has to make."""


def offer(request: web.Request, validity: CacheValidity | None, answer: AnswerSubmission) -> None:
    """Let the response be cached while the validity is current, and let `answer` answer other subjects and bodies.

    Not where a query or a context changes what is asked, nor where the caller's permissions decide, nor in a dialect.
    """
    is_open = access.caller(request) is ANYONE and isinstance(request.app[ACCESS], OpenAccess)
    is_confluent = getattr(request.protocol, "dialect", Dialect.CONFLUENT) is Dialect.CONFLUENT
    is_inside = is_from_node(request) or access.is_from_inside(request)
    if request.query_string or "context" in request.match_info or is_inside or not (is_open and is_confluent):
        requests.allow_caching(request, validity)
        return
    media_type = responses.negotiate_media_type(request, REGISTRY_OFFER)
    call = _SubjectCall(requests.registry(request), request.app[REQUEST_LIMIT], media_type, request.path, answer)
    request[CACHING] = BySegment(validity, call.find_answer)


class _SubjectCall(NamedTuple):
    """What requests have in common that differ in subject and body only."""

    registry: Registry
    limit: RequestLimit
    media_type: str
    """Of responses."""
    path: str
    """Of the first request."""
    answer: AnswerSubmission

    def find_answer(self, segment: bytes) -> Callable[[bytes], Awaitable[EncodedResponse | None]] | None:
        """Return how requests about the subject in the path are answered; None where aiohttp has to."""
        return partial(self._answer, segment.decode()) if _PLAIN_NAME.fullmatch(segment) else None

    async def _answer(self, name: str, body: bytes) -> EncodedResponse | None:
        if self.limit.is_reached:
            return None
        with self.limit.admit():
            return await self._answer_within_limit(name, body)

    async def _answer_within_limit(self, name: str, body: bytes) -> EncodedResponse | None:
        try:
            subject = self.registry.read().resolve_path(name, None)
            fields = JsonObject.of(bodies.decode(body), "RegisterSchemaRequest")
            submission = requests.parse_submission(fields, ANYONE, self.registry.rules)
            value, validity = await self.answer(self.registry, subject, submission)
        except NotPrimaryError:
            return None
        except ApiError as error:
            return None if error.status < errors.INTERNAL else encode_error(self.path, error)
        except Exception:
            logger.exception("Unexpected failure of a request like POST %s", self.path)
            return encode_error(self.path, ApiError(errors.INTERNAL, "Internal Server Error"))
        return EncodedResponse(200, self.media_type, responses.encode(value), validity=validity)
