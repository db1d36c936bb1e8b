"""Acceptances: `[[accept]]` entries of the settings file let intended problems pass until a day, with a reason.

An accepted problem stays in every report. An entry whose day is over accepts nothing and is a problem itself.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

import msgspec

from karapace_like.explanation.excerpts import Excerpt, make_excerpt
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, Acceptance
from karapace_like.tooling.report import Case, Problem, Severity, Verdict

EXPIRED = "EXPIRED_ACCEPTANCE"
"""The rule name of an entry whose last day is over."""
EXPIRED_MEANING = "The last day of an acceptance is over"

_HEADING = "[[accept]]"


def get_today() -> date:
    """Return the day in UTC: pipelines in every time zone end an acceptance at the same moment."""
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Acceptances:
    """The entries of a settings file, judged on one day."""

    entries: Sequence[Acceptance]
    settings_text: str
    """The text of the settings file, to locate an entry; may be empty."""
    today: date

    def check_rules(self, is_known: Callable[[str], bool]) -> None:
        """Raise ToolError for an entry whose rule is not known."""
        for entry in self.entries:
            if not is_known(entry.rule):
                raise ToolError(
                    f"{FILE_NAME}, {_HEADING}: there is no rule {entry.rule!r} that can be accepted. Reports name the "
                    "rule of each problem, and `karapace-like lint --list-rules` those of lint."
                )

    def apply(self, subject: str, problems: Sequence[Problem]) -> list[Problem]:
        """Return the problems; each accepted one is a note that quotes its acceptance."""
        return [self._apply_to_problem(subject, problem) for problem in problems]

    def _apply_to_problem(self, subject: str, problem: Problem) -> Problem:
        for entry in self.entries:
            if self.today <= entry.until and _matches(entry, subject, problem):
                return accept_problem(problem, entry.until, entry.reason)
        return problem

    def list_expired_entries(self, subject: str, is_known: Callable[[str], bool]) -> list[Problem]:
        """Return a problem for each entry of the subject with a known rule whose last day is over."""
        return [
            self._make_expired_problem(number, entry)
            for number, entry in enumerate(self.entries)
            if entry.until < self.today and is_known(entry.rule) and fnmatchcase(subject, entry.subject)
        ]

    def report_forgotten_entries(self, subjects: Collection[str], is_known: Callable[[str], bool]) -> list[Case]:
        """Return a case of the settings file with the expired entries that are about none of the subjects, if any."""
        problems = [
            self._make_expired_problem(number, entry)
            for number, entry in enumerate(self.entries)
            if entry.until < self.today
            and is_known(entry.rule)
            and not any(fnmatchcase(subject, entry.subject) for subject in subjects)
        ]
        summary = "acceptances of no schema"
        case = Case(subject=FILE_NAME, path=FILE_NAME, verdict=Verdict.FAILED, summary=summary, problems=problems)
        return [case] if problems else []

    def _make_expired_problem(self, number: int, entry: Acceptance) -> Problem:
        message = (
            f"{entry.rule} of {entry.subject} was accepted until {entry.until}: remove the entry, or give it another "
            f"day ({entry.reason})"
        )
        return Problem(rule=EXPIRED, message=message, severity=Severity.ERROR, place=self._locate(number))

    def _locate(self, number: int) -> Excerpt:
        """Return the place of an entry in the settings file; its top for an entry in another notation."""
        offset = -1
        for _ in range(number + 1):
            offset = self.settings_text.find(_HEADING, offset + 1)
            if offset < 0:
                break
        return make_excerpt(FILE_NAME, self.settings_text, max(offset, 0))


def accept_problem(problem: Problem, until: date | None, reason: str) -> Problem:
    """Return the problem as a note with the reason; without a day, it is accepted for good."""
    accepted = f"until {until}: {reason}" if until else reason
    return msgspec.structs.replace(problem, severity=Severity.NOTE, accepted=accepted)


def _matches(entry: Acceptance, subject: str, problem: Problem) -> bool:
    return (
        entry.rule == problem.rule
        and fnmatchcase(subject, entry.subject)
        and (entry.path is None or fnmatchcase(problem.path, entry.path))
    )
