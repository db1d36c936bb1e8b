"""What clients saw of a registry, what its nodes hold in the end, and whether the two can both be true. Pure.

Every client writes to subjects of its own, one request after the other, so what these must hold is known exactly but
for requests whose outcome is unknown; subjects that all write to are only ever added to.
"""

import enum
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field


class Outcome(enum.Enum):
    ACKNOWLEDGED = enum.auto()
    REFUSED = enum.auto()
    """The registry says that nothing was written."""
    MISSING = enum.auto()
    """The registry says that what was asked for is not there."""
    UNKNOWN = enum.auto()
    """No answer, or one that says so."""


class Action(enum.Enum):
    REGISTER = enum.auto()
    LOOK_UP = enum.auto()
    """By subject and text: the version and the id."""
    READ = enum.auto()
    """By id: the text."""
    DELETE = enum.auto()
    CONFIGURE = enum.auto()


@dataclass(frozen=True, kw_only=True)
class Event:
    """One request and what came of it. Times are seconds of one clock."""

    action: Action
    subject: str
    node: str = ""
    begun: float = 0.0
    ended: float = 0.0
    outcome: Outcome = Outcome.UNKNOWN
    text: str = ""
    """Of the schema; the level where a config was set."""
    id: int | None = None
    version: int | None = None
    is_retry: bool = False
    """Whether it repeats a request whose outcome was not what the client wanted."""
    detail: str = ""


@dataclass(frozen=True)
class Version:
    id: int
    text: str
    deleted: bool


@dataclass
class Holding:
    """What one node holds."""

    versions: dict[str, dict[int, Version]] = field(default_factory=dict)
    """Subject -> version number -> version, the deleted ones too."""
    levels: dict[str, str] = field(default_factory=dict)
    """Subject -> configured level."""
    texts: dict[int, str] = field(default_factory=dict)
    """Id -> text, as `GET /schemas/ids/{id}` answers."""


def violations(events: Iterable[Event], holdings: Mapping[str, Holding]) -> list[str]:
    """Every promise that was broken, as a sentence; none: the registry kept its word."""
    history = sorted(events, key=lambda each: each.begun)
    return [
        *_two_texts(history, holdings),
        *_two_ids(history, holdings),
        *_two_versions(history, holdings),
        *_forgotten(history),
        *_differing(holdings),
        *(sentence for node, holding in holdings.items() for sentence in _lost(history, node, holding)),
        *(sentence for node, holding in holdings.items() for sentence in _uncalled(history, node, holding)),
    ]


def _two_texts(history: list[Event], holdings: Mapping[str, Holding]) -> Iterator[str]:
    """No id stands for two texts, wherever and whenever somebody looked."""
    texts: dict[int, dict[str, str]] = defaultdict(dict)
    for event in history:
        if event.outcome is Outcome.ACKNOWLEDGED and event.id is not None and event.text:
            texts[event.id].setdefault(event.text, f"{event.action.name} through {event.node} at {event.ended:.3f}")
    for node, holding in holdings.items():
        for schema_id, text in holding.texts.items():
            texts[schema_id].setdefault(text, f"held by {node}")
        for subject, versions in holding.versions.items():
            for number, version in versions.items():
                texts[version.id].setdefault(version.text, f"{subject} version {number} at {node}")
    for schema_id, found in sorted(texts.items()):
        if len(found) > 1:
            yield f"id {schema_id} has {len(found)} texts: {found}"


def _two_ids(history: list[Event], holdings: Mapping[str, Holding]) -> Iterator[str]:
    """No text stands for two ids: who registers again, in whatever subject, is told the same one."""
    ids: dict[str, dict[int, str]] = defaultdict(dict)
    for event in history:
        if event.outcome is Outcome.ACKNOWLEDGED and event.id is not None and event.text:
            ids[event.text].setdefault(event.id, f"{event.action.name} through {event.node} at {event.ended:.3f}")
    for node, holding in holdings.items():
        for subject, versions in holding.versions.items():
            for number, version in versions.items():
                ids[version.text].setdefault(version.id, f"{subject} version {number} at {node}")
    for text, found in ids.items():
        if len(found) > 1:
            yield f"{text} has {len(found)} ids: {found}"


def _two_versions(history: list[Event], holdings: Mapping[str, Holding]) -> Iterator[str]:
    """No two versions of a subject share a number."""
    texts: dict[tuple[str, int], set[str]] = defaultdict(set)
    for event in history:
        if event.outcome is Outcome.ACKNOWLEDGED and event.version is not None and event.action is Action.LOOK_UP:
            texts[event.subject, event.version].add(event.text)
    for holding in holdings.values():
        for subject, versions in holding.versions.items():
            for number, version in versions.items():
                texts[subject, number].add(version.text)
    for (subject, number), found in sorted(texts.items()):
        if len(found) > 1:
            yield f"{subject} version {number} has {len(found)} texts: {sorted(found)}"


def _forgotten(history: list[Event]) -> Iterator[str]:
    """What was acknowledged is found: by that node from then on, and by all who are asked to delete it."""
    since: dict[tuple[object, ...], float] = {}
    deletions: dict[tuple[str, str], int] = defaultdict(int)
    for event in sorted(history, key=lambda each: each.ended):
        if event.action is Action.REGISTER and event.outcome is Outcome.ACKNOWLEDGED:
            for found in _places(event).values():
                since.setdefault(found, event.ended)
        elif event.action is Action.DELETE and event.outcome is not Outcome.REFUSED:
            deletions[event.subject, event.text] += 1
    for event in history:
        if event.outcome is Outcome.MISSING and since.get(_places(event)[event.action], math.inf) < event.begun:
            others = deletions[event.subject, event.text] - (event.action is Action.DELETE)
            # A version that was deleted is still found by its id.
            if event.action is Action.READ or not others:
                yield f"{event.node} does not know what was acknowledged: {event}"


def _places(event: Event) -> dict[Action, tuple[object, ...]]:
    """Under what each action finds the event's schema."""
    return {
        Action.READ: (event.node, event.id),
        Action.LOOK_UP: (event.node, event.subject, event.text),
        Action.DELETE: (event.subject, event.text),
    }


def _differing(holdings: Mapping[str, Holding]) -> Iterator[str]:
    """All nodes hold the same."""
    nodes = sorted(holdings)
    for node in nodes[1:]:
        if holdings[node] != holdings[nodes[0]]:
            yield f"{node} holds something else than {nodes[0]}"


def _lost(history: list[Event], node: str, holding: Holding) -> Iterator[str]:
    """What was acknowledged, and not taken back since, is there."""
    for (subject, text), must_live in _expected_versions(history).items():
        found = [each for each in holding.versions.get(subject, {}).values() if each.text == text]
        live = any(not each.deleted for each in found)
        if must_live != live:
            told = [each for each in history if (each.subject, each.text) == (subject, text)]
            what = "lost the schema" if must_live else "still has the deleted schema"
            yield f"{node} {what} {text} of {subject}: {told}"
    for subject, levels in _expected_levels(history).items():
        if holding.levels.get(subject) not in levels:
            yield f"{node} has level {holding.levels.get(subject)} for {subject}, not one of {levels}"
    for event in history:
        if event.outcome is Outcome.ACKNOWLEDGED and event.id is not None and event.id not in holding.texts:
            yield f"{node} does not know id {event.id}, which {event.node} had acknowledged"


def _uncalled(history: list[Event], node: str, holding: Holding) -> Iterator[str]:
    """Nothing is there that nobody registered, or that the registry said it had not written; nothing is there twice."""
    subjects = {each.subject for each in history}
    asked = {
        (each.subject, each.text)
        for each in history
        if each.action is Action.REGISTER and each.outcome in {Outcome.ACKNOWLEDGED, Outcome.UNKNOWN}
    }
    for subject in holding.versions.keys() & subjects:
        versions = holding.versions[subject]
        for number, version in versions.items():
            if (subject, version.text) not in asked:
                yield f"{node} holds {subject} version {number}, which was refused: {version.text}"
        live = [version.text for version in versions.values() if not version.deleted]
        for text in {each for each in live if live.count(each) > 1}:
            yield f"{node} holds {text} as {live.count(text)} versions of {subject}"


def _expected_versions(history: list[Event]) -> dict[tuple[str, str], bool]:
    """(subject, text) -> whether it must be live (or deleted).

    Left out is what an unknown outcome may still change, and what two requests at the same time left open.
    """
    changes: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in history:
        if event.action in {Action.REGISTER, Action.DELETE} and event.outcome is not Outcome.REFUSED:
            changes[event.subject, event.text].append(event)
    expected: dict[tuple[str, str], bool] = {}
    for key, events in changes.items():
        last = events[-1]
        others = [each for each in events if each.action is not last.action]
        settled = max((each.ended if each.outcome is Outcome.ACKNOWLEDGED else math.inf for each in others), default=0)
        if any(
            each.outcome is Outcome.ACKNOWLEDGED and each.begun > settled
            for each in events
            if each.action is last.action
        ):
            expected[key] = last.action is Action.REGISTER
    return expected


def _expected_levels(history: list[Event]) -> dict[str, set[str]]:
    """Subject -> the levels that it may have: the last acknowledged one, and those of unknown outcome."""
    expected: dict[str, set[str]] = {}
    unknown: dict[str, set[str]] = defaultdict(set)
    for event in history:
        if event.action is Action.CONFIGURE and event.outcome is Outcome.UNKNOWN:
            unknown[event.subject].add(event.text)
        elif event.action is Action.CONFIGURE and event.outcome is Outcome.ACKNOWLEDGED:
            expected[event.subject] = {event.text}
    return {subject: levels | unknown[subject] for subject, levels in expected.items()}
