"""The jobs of the schema engines that explain: incompatibilities, and the effects of a schema on others."""

from typing import Any

import msgspec

from karapace_like.explanation import effects, incompatibilities
from karapace_like.explanation.effects import Judgement
from karapace_like.explanation.examples import Side
from karapace_like.explanation.incompatibilities import Explanation
from karapace_like.registry.engine_jobs import PairJob, ResolvedSchema, find_incompatibilities, parse
from karapace_like.schema.files import Source
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy


class Explain(PairJob[list[Explanation]], frozen=True, tag=True, array_like=True):
    """Every incompatibility of the level between two schemas of one type, explained."""

    level: CompatibilityLevel
    policy: CompatibilityPolicy

    @property
    def is_light(self) -> bool:
        """False: records are searched for, with libraries that are loaded first."""
        return False

    @property
    def is_heavy(self) -> bool:
        """True: thousands of records may be validated, and a pattern of a schema may take long for one."""
        return True

    def run(self) -> list[Explanation]:
        """See `Job`."""
        new, old = (Side(parse(schema), _make_source(schema)) for schema in (self.schema, self.old))
        findings = find_incompatibilities(self.schema, self.old, self.level, self.policy)
        explanations = incompatibilities.explain(new, old, findings[: incompatibilities.MAX_EXPLAINED])
        return incompatibilities.drop_repeated_examples(explanations)

    def convert_answer(self, value: Any) -> list[Explanation]:
        """See `Job`."""
        return msgspec.convert(value, list[Explanation])


class JudgeEffect(PairJob[Judgement], frozen=True, tag=True, array_like=True):
    """The effect that a schema has on a version, which is `old`."""

    level: CompatibilityLevel
    policy: CompatibilityPolicy

    def run(self) -> Judgement:
        """See `Job`."""
        return effects.judge(parse(self.schema), parse(self.old), self.level, self.policy)

    def convert_answer(self, value: Any) -> Judgement:
        """See `Job`."""
        return msgspec.convert(value, Judgement)


def _make_source(schema: ResolvedSchema) -> Source:
    return Source(schema.text, dict(schema.dependencies))
