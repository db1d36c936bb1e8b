"""For CI systems that show test results: JUnit XML, a test case for each subject."""

from xml.etree import ElementTree as ET

from karapace_like.tooling.report import Case, Problem, Report, Severity, Verdict, printable


def render(report: Report) -> str:
    """One test suite. What could not be judged is an error, what is wrong a failure."""
    suite = ET.Element(
        "testsuite",
        name=f"karapace-like {report.command}",
        tests=str(len(report.cases)),
        failures=str(_count(report, Verdict.FAILED)),
        errors=str(_count(report, Verdict.UNKNOWN)),
    )
    for case in report.cases:
        _add(suite, case)
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return ET.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def _count(report: Report, verdict: Verdict) -> int:
    return sum(each.verdict is verdict for each in report.cases)


def _add(suite: ET.Element, case: Case) -> None:
    element = ET.SubElement(suite, "testcase", name=printable(case.subject), classname=case.path, file=case.path)
    minor = [each for each in case.problems if each.severity is not Severity.ERROR]
    serious = [each for each in case.problems if each.severity is Severity.ERROR]
    if case.verdict is not Verdict.PASSED:
        kind = "failure" if case.verdict is Verdict.FAILED else "error"
        rule = serious[0].rule if serious else case.summary
        outcome = ET.SubElement(element, kind, message=printable(case.summary), type=rule)
        outcome.text = "\n".join(map(_line, serious))
    if minor:
        ET.SubElement(element, "system-out").text = "\n".join(map(_line, minor))


def _line(problem: Problem) -> str:
    place = problem.place
    return f"{place.path}:{place.line}: {problem.rule}: {problem.message}"
