"""From a certificate's subject to a principal, by Kafka's mapping rules (`ssl.principal.mapping.rules`).

A subject is written as in RFC 2253, the most specific part first: `CN=alice,OU=team,O=firm`. Rules are separated by
commas: `RULE:pattern/replacement/`, with `L` or `U` at the end for lower or upper case, and `DEFAULT`: the subject as
it is. The first rule whose pattern matches the whole subject counts; without any, the certificate names nobody.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_NAMES: Mapping[str, str] = {
    "commonName": "CN",
    "organizationalUnitName": "OU",
    "organizationName": "O",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "countryName": "C",
    "domainComponent": "DC",
    "userId": "UID",
    "streetAddress": "STREET",
}
_ESCAPED = re.compile(r'[,+"\\<>;=]|^[ #]| $')
_RULES = re.compile(r"(DEFAULT)|RULE:((?:\\.|[^\\/])*)/((?:\\.|[^\\/])*)/([LU]?)")
_GROUP = re.compile(r"\$(\d)")


class MappingRulesError(Exception):
    """The rules cannot be read; the message says where."""


class Rule(NamedTuple):
    """One rule."""

    pattern: re.Pattern[str]
    replacement: str
    case: str = ""

    def principal(self, subject: str) -> str | None:
        """The principal's name; None if the rule does not apply."""
        found = self.pattern.fullmatch(subject)
        if found is None:
            return None
        name = _GROUP.sub(lambda group: found[int(group[1])] or "", self.replacement)
        return {"L": name.lower(), "U": name.upper()}.get(self.case, name)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """The rules; raises MappingRulesError."""
    rules, at = [], 0
    while at < len(text):
        found = _RULES.match(text, at)
        if found is None or text[found.end() : found.end() + 1] not in {"", ","}:
            raise MappingRulesError(f"no rule begins at {text[at:]!r}")
        try:
            rules.append(_rule(found))
        except (re.error, IndexError) as error:
            raise MappingRulesError(f"{found[0]!r}: {error}") from error
        at = found.end() + 1
    return tuple(rules)


def _rule(found: re.Match[str]) -> Rule:
    if found[1]:
        return Rule(re.compile(r"(?s).*"), "$0")
    rule = Rule(re.compile(found[2].replace(r"\/", "/")), found[3].replace(r"\/", "/"), found[4])
    if any(int(each) > rule.pattern.groups for each in _GROUP.findall(rule.replacement)):
        raise IndexError("there is no such group")
    return rule


def subject(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    """The subject in RFC 2253's form, from the parts that `ssl.SSLSocket.getpeercert` gives, the widest first."""
    written = [
        "+".join(
            f"{_NAMES.get(name, name)}={_ESCAPED.sub(lambda each: chr(92) + each[0], value)}" for name, value in part
        )
        for part in parts
    ]
    return ",".join(reversed(written))


def principal_name(rules: Iterable[Rule], name: str) -> str | None:
    """The principal that the subject stands for; None if no rule applies."""
    return next((found for each in rules if (found := each.principal(name))), None)
