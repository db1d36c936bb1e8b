"""/compatibility/subjects/{subject}/explanation: why a schema may not follow its subject, and whom it affects."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.explanation.effects import Effect
from karapace_like.explanation.excerpts import Excerpt
from karapace_like.explanation.incompatibilities import MAX_EXPLAINED, Direction, Explanation
from karapace_like.registry import checks, explanations, registration
from karapace_like.registry.explanations import Affected, Successor, VersionVerdict
from karapace_like.registry.subject_search import find_level
from karapace_like.schema.model import CompatibilityLevel
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import BOOLEAN, NUMBER, array, fields, one_of, ref, text, with_example
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.objects import NORMALIZE, SUBJECT_NAME
from karapace_like.web.registry.permissions import on_subject
from karapace_like.web.routing import Call, Route

_MESSAGES_AFTER_REASONS = 3
"""Of a check: the version, its schema and the settings."""


@requests.mentions_misspelt_fields
async def explain_compatibility(request: web.Request) -> web.Response:
    """POST /compatibility/subjects/{subject}/explanation: Explain a schema's incompatibilities, and whom it affects.

    Each incompatibility has its place in both texts, advice and, where one was found, a record that would break. The
    20 newest versions are compared, and the latest versions of 50 subjects that refer to this one.
    """
    submission = await requests.submission(request)
    registry, view = requests.registry(request), visibility.store(request)
    store, subject, default = registry.read(), requests.subject(request), registry.rules.compatibility
    config = store.config(subject)
    resolved, content = await registration.understand(
        store, registry.engines, subject, submission, registry.rules.strictness, config
    )
    registration.require_live_references(store, subject, submission)
    judgement = await checks.check(
        store, registry.engines, resolved, content.metadata, view.versions(subject), config, default
    )
    explained = await explanations.explain(view, registry.engines, Successor(subject, resolved, content), default)
    return respond_as_registry(
        request,
        {
            "is_compatible": judgement.is_compatible,
            "compatibilityLevel": find_level(store, subject, default),
            "messages": _bound_messages(judgement.messages),
            "isComplete": explained.is_complete,
            "versions": [_render_version(verdict) for verdict in explained.versions],
            "affected": [_render_affected_user(affected) for affected in explained.affected],
        },
    )


def _bound_messages(messages: Sequence[str]) -> Sequence[str]:
    """Return the messages of a check without the reasons beyond those that are explained; what follows them stays."""
    kept = MAX_EXPLAINED + _MESSAGES_AFTER_REASONS
    return messages if len(messages) <= kept else [*messages[:MAX_EXPLAINED], *messages[-_MESSAGES_AFTER_REASONS:]]


def _render_version(verdict: VersionVerdict) -> dict[str, object]:
    return {
        "version": verdict.version,
        "is_compatible": not verdict.messages,
        "isCompared": verdict.is_compared,
        "messages": verdict.messages[:MAX_EXPLAINED],
        "incompatibilities": [_render_explanation(explanation) for explanation in verdict.explanations],
    }


def _render_explanation(explanation: Explanation) -> dict[str, object]:
    rendered: dict[str, object] = {
        "rule": explanation.rule,
        "message": explanation.message,
        **({"detail": explanation.detail} if explanation.detail else {}),
        "direction": explanation.direction,
        "path": explanation.path,
        "place": _render_excerpt(explanation.place),
        "oldPlace": _render_excerpt(explanation.old_place),
    }
    if explanation.advice is not None:
        rendered["advice"] = explanation.advice
    if explanation.example is not None:
        rendered["example"] = msgspec.to_builtins(explanation.example)
    return rendered


def _render_excerpt(excerpt: Excerpt) -> dict[str, object]:
    rendered = {"line": excerpt.line, "column": excerpt.column, "text": excerpt.text, "isExact": excerpt.is_exact}
    return {"reference": excerpt.path, **rendered} if excerpt.path else rendered


def _render_affected_user(affected: Affected) -> dict[str, object]:
    return {
        "subject": affected.version.subject,
        "version": affected.version.version,
        "compatibilityLevel": affected.level,
        "effect": affected.judgement.effect,
        "canReadOld": affected.judgement.can_read_old,
        "canBeRead": affected.judgement.can_be_read,
        "reasons": affected.judgement.reasons,
    }


_PLACE = fields(
    reference=text("house.Floor"),
    line=NUMBER,
    column=NUMBER,
    text=text('{"name": "doors", "type": "int"}'),
    isExact=with_example(
        {**BOOLEAN, "description": "False: the element is not in this text, and this is what should contain it."},
        example=True,
    ),
)
_INCOMPATIBILITY = fields(
    rule=text("READER_FIELD_MISSING_DEFAULT_VALUE"),
    message=text(
        "The field 'doors' at path '/fields/1' in the new schema has no default value and is missing in the old"
    ),
    detail=text("doors"),
    direction=one_of(Direction),
    path=text("/fields/1"),
    place=_PLACE,
    oldPlace=_PLACE,
    advice=text("give the field a `default`"),
    example=fields(record=text('{"floor": 1}'), outcome=text("No default value for field doors in Lift")),
)
_VERSION = fields(
    version=NUMBER,
    is_compatible=BOOLEAN,
    isCompared=with_example({**BOOLEAN, "description": "Whether the level compares with this version."}, example=True),
    messages=array(text("{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', ...}")),
    incompatibilities=array(_INCOMPATIBILITY),
)
_AFFECTED = fields(
    subject=SUBJECT_NAME,
    version=NUMBER,
    compatibilityLevel=one_of(CompatibilityLevel),
    effect=one_of(Effect),
    canReadOld=BOOLEAN,
    canBeRead=BOOLEAN,
    reasons=array(text("TYPE_MISMATCH: The type of the field has changed.")),
)
_EXPLANATION = fields(
    is_compatible=BOOLEAN,
    compatibilityLevel=one_of(CompatibilityLevel),
    messages=array(text("{validateFields: 'false', compatibility: 'BACKWARD'}")),
    isComplete=BOOLEAN,
    versions=array(_VERSION),
    affected=array(_AFFECTED),
)

ROUTES = (
    Route(
        "POST",
        "/compatibility/subjects/{subject}/explanation",
        explain_compatibility,
        ApiRole.REGISTRY,
        Call((NORMALIZE,), ref("RegisterSchemaRequest"), _EXPLANATION),
        permission=on_subject(Operation.READ),
    ),
)
