"""JUnit XML for CI systems that show test results: one test case for each subject."""

from xml.etree import ElementTree as ET

from karapace_like.explanation.excerpts import make_printable
from karapace_like.tooling.report import Case, Problem, Report, Severity, Verdict


def render(report: Report) -> str:
    """Return one test suite: an incompatible schema is a failure, an unreadable one is an error."""
    suite = ET.Element(
        "testsuite",
        name=f"karapace-like {report.command}",
        tests=str(len(report.cases)),
        failures=str(_count(report, Verdict.FAILED)),
        errors=str(_count(report, Verdict.UNKNOWN)),
        time=f"{sum(report.seconds.values()):.6f}",
    )
    for case in report.cases:
        _add(suite, case, report.seconds.get(case.subject, 0.0))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _count(report: Report, verdict: Verdict) -> int:
    return sum(case.verdict is verdict for case in report.cases)


def _add(suite: ET.Element, case: Case, seconds: float) -> None:
    name, time = make_printable(case.subject), f"{seconds:.6f}"
    element = ET.SubElement(suite, "testcase", name=name, classname=case.path, file=case.path, time=time)
    minor = [problem for problem in case.problems if problem.severity is not Severity.ERROR]
    serious = [problem for problem in case.problems if problem.severity is Severity.ERROR]
    if case.verdict is not Verdict.PASSED:
        kind = "failure" if case.verdict is Verdict.FAILED else "error"
        rule = serious[0].rule if serious else case.summary
        outcome = ET.SubElement(element, kind, message=make_printable(case.summary), type=rule)
        outcome.text = "\n".join(map(_render_line, serious))
    if minor:
        ET.SubElement(element, "system-out").text = "\n".join(map(_render_line, minor))


def _render_line(problem: Problem) -> str:
    place = problem.place
    details = [f"  example: {problem.example.sentence}"] if problem.example else []
    details += [f"  to do: {problem.advice}"] if problem.advice else []
    return "\n".join([f"{place.path}:{place.line}: {problem.rule}: {problem.sentence}", *details])
