"""The result of a check or a lint, which `rendering/` writes in each format."""

import enum
import posixpath
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from karapace_like.explanation.excerpts import Excerpt, make_printable


class Severity(enum.StrEnum):
    """The severity of a problem; an error makes the command fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Verdict(enum.StrEnum):
    """The result for one schema."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """The schema or an earlier version cannot be read."""


class ProblemExample(msgspec.Struct, frozen=True):
    """A record that the reader rejects or alters."""

    record: str
    """JSON."""
    writer: str
    """Whose record it is: `old` or `new`; the other schema is the reader's."""
    outcome: str
    """What the reader does with the record."""

    def __post_init__(self) -> None:
        """Replace control characters: see `Problem`."""
        msgspec.structs.force_setattr(self, "record", make_printable(self.record))
        msgspec.structs.force_setattr(self, "outcome", make_printable(self.outcome))

    @property
    def sentence(self) -> str:
        """One line that says who fails at what."""
        reader = "new" if self.writer == "old" else "old"
        return f"consumers with the {reader} schema fail at the {self.writer} record {self.record}: {self.outcome}"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One violation of a rule."""

    rule: str
    message: str
    severity: Severity
    place: Excerpt
    old: Excerpt | None = None
    """The same place in the earlier version."""
    path: str = ""
    """The place in the schema, in its format's notation (`/fields/2`, `#/Order/3`); empty for the whole schema."""
    example: ProblemExample | None = None
    advice: str | None = None
    """What to do about it."""
    accepted: str | None = None
    """Why and until when the problem is accepted, and no error therefore."""

    def __post_init__(self) -> None:
        """Replace control characters: names in schemas could hold commands for CI systems and terminals."""
        msgspec.structs.force_setattr(self, "message", make_printable(self.message))
        msgspec.structs.force_setattr(self, "accepted", self.accepted and make_printable(self.accepted))

    @property
    def sentence(self) -> str:
        """The message, with the acceptance."""
        return f"{self.message} [accepted {self.accepted}]" if self.accepted else self.message


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """The result for one schema, with its problems."""

    subject: str
    path: str
    verdict: Verdict
    summary: str
    """A few words: why the schema passed, or the level and the baseline."""
    problems: Sequence[Problem] = ()


class ProblemGroup(msgspec.Struct, frozen=True):
    """A problem, and all the schemas that have it at the same place for the same reason."""

    problem: Problem
    cases: list[Case]

    @property
    def subjects(self) -> str:
        """The subjects, separated by commas."""
        return ", ".join(case.subject for case in self.cases)


class Report(msgspec.Struct, frozen=True):
    """The results of one command."""

    command: str
    """`check` or `lint`."""
    cases: Sequence[Case]
    seconds: Mapping[str, float] = {}
    """Subject -> how long it took."""

    def below(self, folder: str) -> "Report":
        """Return the report with paths that begin with the folder of the files."""
        return (
            self
            if folder in {"", "."}
            else msgspec.structs.replace(self, cases=[_make_relative(folder, case) for case in self.cases])
        )

    def group(self) -> list["ProblemGroup"]:
        """Return the problems in their order, and each that several schemas share only once."""
        groups: dict[tuple[object, ...], ProblemGroup] = {}
        for case in self.cases:
            for problem in case.problems:
                key = make_group_key(problem)
                groups.setdefault(key, ProblemGroup(problem, []))
                if case not in groups[key].cases:
                    groups[key].cases.append(case)
        return list(groups.values())

    @property
    def exit_code(self) -> int:
        """0: all schemas passed. 1: a schema failed. 2: no schema failed, but one cannot be read."""
        verdicts = {case.verdict for case in self.cases}
        if Verdict.FAILED in verdicts:
            return 1
        return 2 if Verdict.UNKNOWN in verdicts else 0

    @property
    def summary(self) -> str:
        """One line with the number of schemas by verdict."""
        count = {verdict: sum(case.verdict is verdict for case in self.cases) for verdict in Verdict}
        schemas = "1 schema" if len(self.cases) == 1 else f"{len(self.cases)} schemas"
        counts = [f"{count[verdict]} {verdict}" for verdict in Verdict if count[verdict]]
        if not counts:
            return "No schemas"
        accepted = sum(problem.accepted is not None for case in self.cases for problem in case.problems)
        problems = "1 problem" if accepted == 1 else f"{accepted} problems"
        return f"{schemas}: {', '.join(counts)}" + (f" ({problems} accepted)" if accepted else "")


def time_cases(command: str, work: Iterable[tuple[str, Callable[[], Case]]]) -> Report:
    """Return the report on the cases that the work makes; it is given with its subjects."""
    cases: list[Case] = []
    seconds: dict[str, float] = {}
    for subject, make_case in work:
        start = time.perf_counter()
        cases.append(make_case())
        seconds[subject] = time.perf_counter() - start
    return Report(command, cases, seconds)


def make_group_key(problem: Problem) -> tuple[object, ...]:
    """Return what problems of one cause have in common: their paths in the schemas differ."""
    old = problem.old
    earlier = None if old is None else (old.path, old.line, old.column, old.is_exact)
    place = problem.place
    # A problem of a schema itself, such as its deletion, is no other schema's.
    cause = place.text if problem.path else problem.message
    return (problem.rule, problem.severity, problem.accepted, place.path, place.line, place.column, earlier, cause)


def judge_problems(problems: Sequence[Problem]) -> Verdict:
    """Return FAILED if one of the problems is an error."""
    return Verdict.FAILED if any(problem.severity is Severity.ERROR for problem in problems) else Verdict.PASSED


def _make_relative(folder: str, case: Case) -> Case:
    def move(problem: Problem) -> Problem:
        place = msgspec.structs.replace(problem.place, path=posixpath.normpath(f"{folder}/{problem.place.path}"))
        return msgspec.structs.replace(problem, place=place)

    return msgspec.structs.replace(
        case, path=posixpath.normpath(f"{folder}/{case.path}"), problems=list(map(move, case.problems))
    )
