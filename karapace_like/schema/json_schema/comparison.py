"""Whether a reader's schema accepts all that a writer's schema accepts, judged as Confluent's registry judges.

First every pair of subschemas that the judgement rests on is taken for compatible, then pairs are refuted until no
more can be: recursive schemas are compatible unless something speaks against it. Only then are the findings of the
refuted pairs put together. No step is exponential, whatever refers to what.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from karapace_like.schema.json_schema.findings import Comparison, Finding, Findings, Question
from karapace_like.schema.json_schema.pairs import compare_pair
from karapace_like.schema.json_schema.schemas import Reference, Schema
from karapace_like.schema.json_schema.shared_targets import SharedVerdicts

_Pair: TypeAlias = tuple[Schema, Schema]
"""The writer's and the reader's schema."""

_MAX_QUESTIONS = 500_000
"""Seconds at worst; a property or alternative is one question. Eight megabytes of plain properties ask fewer, so beyond
it stand hundreds of alternatives against hundreds of others, or circles of references of unlike lengths."""
_MAX_FINDINGS = 1_000
"""Kept of one pair: schemas that share a definition in many places could otherwise report 2**n."""
_MAX_KEPT = 100_000
"""Kept of all pairs together; beyond it one finding of each pair is enough."""
_MAX_SHARED = 10_000
"""Incompatible pairs whose findings later comparisons use; each shares most of its findings with others."""
_MAX_SHARED_FINDINGS = 20
"""Findings of such a pair: one that has more is compared again."""
_REFUTED = (Finding("TYPE_CHANGED", None),)
"""The answer to a question that does not ask for the findings in full."""


class _TooManyQuestionsError(Exception):
    """The schemas are too entangled to be judged in reasonable time."""


@dataclass(slots=True)
class _OpenPair:
    """A refuted pair whose findings are being put together, inside of the pairs that were opened before it."""

    comparison: Comparison
    depth: int
    outermost: int
    """The depth of the outermost pair, itself or around it, whose findings it leaves out; above its own if of none."""


class Comparer:
    """Compares two schemas under one policy; `ignored` are the rules that the policy forgives."""

    def __init__(
        self,
        ignored: Collection[str],
        view: Callable[[Schema], Schema] | None = None,
        verdicts: SharedVerdicts | None = None,
    ) -> None:
        """`view` returns the schema that is compared in place of another, always the same one; None: none is.

        `verdicts` are those of earlier comparisons of this kind; those of this one are added.
        """
        self._verdicts = SharedVerdicts() if verdicts is None else verdicts
        self._ignored = ignored
        self._view = view
        self._asked_by: dict[_Pair, list[_Pair]] = {}
        self._refuted: set[_Pair] = set()
        self._questions = 0

    def compare(self, writer: Schema, reader: Schema) -> Findings:
        """Everything that breaks compatibility, in Confluent's order."""
        root = self._follow_reference(writer), self._follow_reference(reader)
        if root in self._verdicts.findings:
            return self._verdicts.findings[root]
        try:
            self._refute(root)
        except _TooManyQuestionsError:
            detail = f"given up after {_MAX_QUESTIONS} comparisons"
            return (Finding("COMBINED_TYPE_SUBSCHEMAS_CHANGED", None, detail=detail),)
        self._verdicts.compatible.update(pair for pair in self._asked_by if pair not in self._refuted)
        return self._report(root) if root in self._refuted else ()

    def _refute(self, root: _Pair) -> None:
        """Find all refuted pairs."""
        self._asked_by[root] = []
        pending = deque([root])
        queued = {root}
        while pending:
            pair = pending.popleft()
            queued.discard(pair)
            unasked, refuted = self._try(pair)
            if refuted:
                self._refuted.add(pair)
                asking = dict.fromkeys(self._asked_by[pair])
                unasked += [pair for pair in asking if pair not in self._refuted and pair not in queued]
            pending.extend(unasked)
            queued.update(unasked)

    def _try(self, pair: _Pair) -> tuple[list[_Pair], bool]:
        """Compare a pair with the results so far; return the pairs that it also needs, and whether it is refuted."""
        unasked: list[_Pair] = []
        comparison = compare_pair(*pair)
        answer: Findings | None = None
        while True:
            question = _continue(comparison, answer)
            if not isinstance(question, Question):
                return unasked, any(finding.rule not in self._ignored for finding in question)
            self._questions += 1
            if self._questions > _MAX_QUESTIONS:
                raise _TooManyQuestionsError
            followed = self._follow_reference(question.writer), self._follow_reference(question.reader)
            if followed in self._verdicts.compatible:
                answer = ()
                continue
            if followed in self._verdicts.findings:
                answer = _REFUTED
                continue
            if followed not in self._asked_by:
                self._asked_by[followed] = []
                unasked.append(followed)
            self._asked_by[followed].append(pair)
            answer = _REFUTED if followed in self._refuted else ()

    def _report(self, root: _Pair) -> Findings:
        """Return the findings of a refuted pair. A pair inside of itself is reported once, at the outer place."""
        reports: dict[_Pair, Findings] = {}
        partial: set[_Pair] = set()
        count = 0
        opened: dict[_Pair, _OpenPair] = {root: _OpenPair(compare_pair(*root), 0, 1)}
        answer: Findings | None = None
        while opened:
            pair, current = next(reversed(opened.items()))
            question = _continue(current.comparison, answer)
            if isinstance(question, Question):
                followed = self._follow_reference(question.writer), self._follow_reference(question.reader)
                answer = self._find_cached_findings(followed, question, opened, reports)
                if answer is None:
                    opened[followed] = _OpenPair(compare_pair(*followed), len(opened), len(opened) + 1)
                elif followed in opened:
                    current.outermost = min(current.outermost, opened[followed].depth)
                elif followed in partial:
                    current.outermost = -1
                continue
            del opened[pair]
            limit = _MAX_FINDINGS if count < _MAX_KEPT else 1
            answer = tuple([finding for finding in question if finding.rule not in self._ignored][:limit])
            reports[pair] = answer
            count += len(answer)
            if current.outermost < current.depth:
                partial.add(pair)
                if opened:
                    around = opened[next(reversed(opened))]
                    around.outermost = min(around.outermost, current.outermost)
            elif current.outermost > current.depth and limit == _MAX_FINDINGS and opened:
                self._share_findings(pair, answer)
        return reports[root]

    def _share_findings(self, pair: _Pair, findings: Findings) -> None:
        """Keep the findings of a pair that is in no circle, where it would depend on the pair that came first."""
        shared = self._verdicts.findings
        if len(findings) <= _MAX_SHARED_FINDINGS and len(shared) < _MAX_SHARED:
            shared[pair] = findings

    def _find_cached_findings(
        self, followed: _Pair, question: Question, opened: Collection[_Pair], reports: Mapping[_Pair, Findings]
    ) -> Findings | None:
        """Return the findings that answer a question about a pair; None: it has to be opened."""
        shared = self._verdicts.findings.get(followed)
        if shared is not None:
            return shared if question.in_full else _REFUTED
        if followed not in self._refuted:
            return ()
        if not question.in_full:
            return _REFUTED
        return () if followed in opened else reports.get(followed)

    def _follow_reference(self, schema: Schema) -> Schema:
        schema = schema.target if isinstance(schema, Reference) else schema
        return schema if self._view is None else self._view(schema)


def _continue(comparison: Comparison, answer: Findings | None) -> Question | list[Finding]:
    """Hand a comparer its answer, or None to let it begin: its next question, or all that it found."""
    try:
        return next(comparison) if answer is None else comparison.send(answer)
    except StopIteration as stop:
        return list(stop.value)
