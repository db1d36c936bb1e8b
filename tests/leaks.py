"""Fails a test in which a secret of the suite is logged, printed, put into an error, or said by a process.

Known as secrets are all texts that become a `Secret` in this process, settings of that type that processes are given,
and what `register` is told: headers, tokens, contents of records. Short ones are not looked for: they are everywhere.
So a test draws its secrets, or words them as nothing else is.
"""

import typing
from collections.abc import Generator
from typing import Any

import pytest

from karapace_like.config import Settings
from karapace_like.errors import ApiError
from karapace_like.secret import Secret

_SHORTEST = 8
_secrets: set[str] = set()
_heard: list[str] = []
"""What was said since it was looked at last, beside what pytest captures."""
_of_workers: list[str] = []
"""Lines with secrets that workers of pytest-xdist have heard after their last test."""
_LEAKS = "leaks"
SECRET_SETTINGS = frozenset(
    name for name, kind in typing.get_type_hints(Settings).items() if Secret in (kind, *typing.get_args(kind))
)


def register(*secrets: str) -> None:
    """These are not to be seen anywhere."""
    _secrets.update(each for each in secrets if len(each) >= _SHORTEST)


def hear(said: str) -> None:
    """A line of a process, the text of an error."""
    _heard.append(said)


def leaked(said: str) -> list[str]:
    """The lines in which secrets are, cut before them."""
    return [
        line.partition(each)[0][-200:] + "..."
        for each in _secrets
        if each in said
        for line in said.splitlines()
        if each in line
    ]


def pytest_configure() -> None:
    """Begin to collect secrets, and texts of errors."""
    make_secret, make_error = Secret.__init__, ApiError.__init__

    def registering(self: Secret, value: str) -> None:
        register(value)
        make_secret(self, value)

    def hearing(self: ApiError, code: int, message: str, **options: Any) -> None:
        hear(message)
        make_error(self, code, message, **options)

    Secret.__init__ = registering  # type: ignore[method-assign]
    ApiError.__init__ = hearing  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    said, _heard[:] = "\n".join(_heard), []
    found = leaked("\n".join([said, *(text for _, text in report.sections)]))
    if found and report.outcome != "failed":
        report.outcome, report.longrepr = "failed", "\n".join(["Secrets were told:", *found])
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """For what processes say that outlive the last test. A worker of pytest-xdist leaves it to the process above."""
    found = [*leaked("\n".join(_heard)), *_of_workers]
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[_LEAKS] = found
    elif found:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print("\n".join(["Secrets were told:", *found]))  # noqa: T201 - what pytest reports is over


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of pytest-xdist heard last."""
    _of_workers.extend(getattr(node, "workeroutput", {}).get(_LEAKS, ()))
