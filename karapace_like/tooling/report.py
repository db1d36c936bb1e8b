"""What a check or a lint found, before it is written in any form."""

import enum
from collections.abc import Sequence

import msgspec

_MAX_LINE = 160
"""Characters of a source line that are quoted."""


class Severity(enum.StrEnum):
    """How bad a problem is; an error makes the command fail."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Verdict(enum.StrEnum):
    """What became of one schema."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It could not be judged."""


class Excerpt(msgspec.Struct, frozen=True):
    """A place in a text. Lines and columns count from 1."""

    path: str
    line: int
    column: int
    text: str
    """The line, without the space around it."""
    is_exact: bool = True
    """False: what the problem is about is not there, and this is what should hold it."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    rule: str
    message: str
    severity: Severity
    place: Excerpt
    old: Excerpt | None = None
    """The same place in the schema that it was compared with."""

    def __post_init__(self) -> None:
        """Names in schemas may hold anything: lines of their own, which CI systems obey, or what terminals obey."""
        msgspec.structs.force_setattr(self, "message", printable(self.message))


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One schema that was judged."""

    subject: str
    path: str
    verdict: Verdict
    summary: str
    """A few words: why it passed, or what it was compared with."""
    problems: Sequence[Problem] = ()


class Report(msgspec.Struct, frozen=True):
    """Everything that one command found."""

    command: str
    """`check` or `lint`."""
    cases: Sequence[Case]

    def below(self, folder: str) -> "Report":
        """The same with paths that start outside of the folder in which the files are."""
        return self if folder in {"", "."} else Report(self.command, [_below(folder, each) for each in self.cases])

    @property
    def exit_code(self) -> int:
        """0: everything passed. 1: something failed. 2: nothing failed, but something could not be judged."""
        verdicts = {each.verdict for each in self.cases}
        if Verdict.FAILED in verdicts:
            return 1
        return 2 if Verdict.UNKNOWN in verdicts else 0

    @property
    def summary(self) -> str:
        """One line."""
        count = {each: sum(case.verdict is each for case in self.cases) for each in Verdict}
        schemas = "1 schema" if len(self.cases) == 1 else f"{len(self.cases)} schemas"
        told = [f"{count[each]} {each}" for each in Verdict if count[each]]
        return f"{schemas}: {', '.join(told)}" if told else "No schemas"


def excerpt(path: str, text: str, offset: int, *, is_exact: bool = True) -> Excerpt:
    """What stands at an offset of a text."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    line = text[start : len(text) if end < 0 else end]
    column = offset - start + 1
    shown = line if len(line) <= _MAX_LINE else line[max(0, column - 20) : column - 20 + _MAX_LINE]
    return Excerpt(path, text.count("\n", 0, offset) + 1, column, printable(shown.strip()), is_exact)


def printable(line: str) -> str:
    """The line with nothing in it that is not seen: tabs are spaces, and the rest of what controls is replaced."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line.replace("\t", " "))


def _below(folder: str, case: Case) -> Case:
    def moved(problem: Problem) -> Problem:
        place = msgspec.structs.replace(problem.place, path=f"{folder}/{problem.place.path}")
        return msgspec.structs.replace(problem, place=place)

    return msgspec.structs.replace(case, path=f"{folder}/{case.path}", problems=list(map(moved, case.problems)))
