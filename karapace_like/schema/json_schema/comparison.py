"""Whether a reader's schema accepts all that a writer's schema accepts, judged as Confluent's registry judges.

First every pair of subschemas that the judgement rests on is taken for compatible, then pairs are refuted until no
more can be: recursive schemas are compatible unless something speaks against it. Only then are the findings of the
refuted pairs put together. No step is exponential, whatever refers to what.
"""

from collections import deque
from collections.abc import Callable, Collection
from typing import TypeAlias

from karapace_like.schema.json_schema.findings import Comparison, Finding, Findings, Question
from karapace_like.schema.json_schema.pairs import compare_pair
from karapace_like.schema.json_schema.schemas import Reference, Schema

_Pair: TypeAlias = tuple[Schema, Schema]
"""The writer's and the reader's schema."""

_MAX_QUESTIONS = 500_000
"""Seconds at worst; a property or alternative is one question. Eight megabytes of plain properties ask fewer, so beyond
it stand hundreds of alternatives against hundreds of others, or circles of references of unlike lengths."""
_MAX_FINDINGS = 1_000
"""Kept of one pair: schemas that share a definition in many places could otherwise report 2**n."""
_MAX_KEPT = 100_000
"""Kept of all pairs together; beyond it one finding of each pair is enough."""
_REFUTED = (Finding("TYPE_CHANGED", None),)
"""The answer to a question that does not ask for the findings in full."""


class _TooManyQuestionsError(Exception):
    """The schemas are too entangled to be judged in reasonable time."""


class Comparer:
    """Compares two schemas under one policy; `ignored` are the rules that the policy forgives."""

    def __init__(
        self,
        ignored: Collection[str],
        view: Callable[[Schema], Schema] | None = None,
        compatible: set[_Pair] | None = None,
    ) -> None:
        """`view` returns the schema that is compared in place of another, always the same one; None: none is.

        `compatible` are pairs that earlier comparisons of this kind have found so; those of this one are added.
        """
        self._compatible = compatible if compatible is not None else set()
        self._ignored = ignored
        self._view = view
        self._asked_by: dict[_Pair, list[_Pair]] = {}
        self._refuted: set[_Pair] = set()
        self._questions = 0

    def compare(self, writer: Schema, reader: Schema) -> Findings:
        """Everything that breaks compatibility, in Confluent's order."""
        root = self._follow_reference(writer), self._follow_reference(reader)
        try:
            self._refute(root)
        except _TooManyQuestionsError:
            detail = f"given up after {_MAX_QUESTIONS} comparisons"
            return (Finding("COMBINED_TYPE_SUBSCHEMAS_CHANGED", None, detail=detail),)
        self._compatible.update(pair for pair in self._asked_by if pair not in self._refuted)
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
            if followed in self._compatible:
                answer = ()
                continue
            if followed not in self._asked_by:
                self._asked_by[followed] = []
                unasked.append(followed)
            self._asked_by[followed].append(pair)
            answer = _REFUTED if followed in self._refuted else ()

    def _report(self, root: _Pair) -> Findings:
        """Return the findings of a refuted pair. A pair inside of itself is reported once, at the outer place."""
        reports: dict[_Pair, Findings] = {}
        count = 0
        opened: dict[_Pair, Comparison] = {root: compare_pair(*root)}
        answer: Findings | None = None
        while opened:
            pair, comparison = next(reversed(opened.items()))
            question = _continue(comparison, answer)
            if isinstance(question, Question):
                answer = self._find_cached_findings(question, opened, reports)
                if answer is None:
                    followed = self._follow_reference(question.writer), self._follow_reference(question.reader)
                    opened[followed] = compare_pair(*followed)
            else:
                del opened[pair]
                limit = _MAX_FINDINGS if count < _MAX_KEPT else 1
                answer = tuple([finding for finding in question if finding.rule not in self._ignored][:limit])
                reports[pair] = answer
                count += len(answer)
        return reports[root]

    def _find_cached_findings(
        self, question: Question, opened: Collection[_Pair], reports: dict[_Pair, Findings]
    ) -> Findings | None:
        followed = self._follow_reference(question.writer), self._follow_reference(question.reader)
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
