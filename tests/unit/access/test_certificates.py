"""From certificate subjects to principals, by Kafka's rules."""

import pytest

from karapace_like.access import certificates
from karapace_like.access.certificates import MappingRulesError


def parts(*pairs: str) -> list[list[tuple[str, str]]]:
    """As `ssl` gives them, the widest part first."""
    return [[(name, value)] for name, _, value in (pair.partition("=") for pair in pairs)]


@pytest.mark.parametrize(
    ("given", "written"),
    [
        (parts("organizationName=firm", "commonName=alice"), "CN=alice,O=firm"),
        (parts("domainComponent=example", "userId=a"), "UID=a,DC=example"),
        (parts("commonName=a,CN=root"), r"CN=a\,CN\=root"),
        (parts("commonName= a+b "), r"CN=\ a\+b\ "),
        ([[("commonName", "a"), ("organizationalUnitName", "b")]], "CN=a+OU=b"),
        (parts("emailAddress=a@b"), "emailAddress=a@b"),
        ([], ""),
    ],
)
def test_a_subject_is_written_the_specific_part_first(given: list[list[tuple[str, str]]], written: str) -> None:
    """What separates parts is escaped inside of them: nobody gets another name by a comma in his own."""
    assert certificates.subject(given) == written


@pytest.mark.parametrize(
    ("rules", "subject", "principal"),
    [
        ("DEFAULT", "CN=a,O=b", "CN=a,O=b"),
        ("RULE:^CN=(.*?),O=b$/$1/", "CN=a,O=b", "a"),
        ("RULE:^CN=(.*?),O=b$/$1/", "CN=a,O=c", None),
        ("RULE:^CN=(.*?),O=b$/$1/,DEFAULT", "CN=a,O=c", "CN=a,O=c"),
        ("RULE:CN=(\\w+).*/$1/U", "CN=alice,O=b", "ALICE"),
        ("RULE:CN=(\\w+),O=(\\w+)/$2.$1/L", "CN=Alice,O=Firm", "firm.alice"),
        ("RULE:CN=a\\/b/ab/", "CN=a/b", "ab"),
        ("RULE:CN=a/first/,RULE:CN=(.*)/second/", "CN=a", "first"),
        ("RULE:CN=a/whole/", "CN=ab", None),
        ("", "CN=a", None),
    ],
)
def test_the_first_rule_for_the_whole_subject_counts(rules: str, subject: str, principal: str | None) -> None:
    assert certificates.principal_name(certificates.parse_rules(rules), subject) == principal


@pytest.mark.parametrize("rules", ["RULE:a", "RULE:(/b/", "RULE:a/$1/", "DEFAULTS", "RULE:a/b/X", "DEFAULT;DEFAULT"])
def test_rules_that_cannot_be_read_are_refused(rules: str) -> None:
    with pytest.raises(MappingRulesError):
        certificates.parse_rules(rules)
