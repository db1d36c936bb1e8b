"""Map the subject of a certificate to a principal, by Kafka's mapping rules (`ssl.principal.mapping.rules`).

A subject is written as in RFC 2253, the most specific part first: `CN=alice,OU=team,O=firm`. Rules are separated by
commas: `RULE:pattern/replacement/`, with `L` or `U` at the end for lower or upper case, and `DEFAULT`: the subject as
it is. The first rule whose pattern matches the whole subject applies; without one, the certificate has no principal.
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
    """The rules are malformed; the message says where."""


class Rule(NamedTuple):
    """One mapping rule."""

    pattern: re.Pattern[str]
    replacement: str
    case: str = ""

    def principal(self, subject: str) -> str | None:
        """Return the name of the principal; None if the rule does not match."""
        match = self.pattern.fullmatch(subject)
        if match is None:
            return None
        name = _GROUP.sub(lambda group: match[int(group[1])] or "", self.replacement)
        return {"L": name.lower(), "U": name.upper()}.get(self.case, name)


def parse_rules(text: str) -> tuple[Rule, ...]:
    """Parse the rules; raise MappingRulesError."""
    rules, at = [], 0
    while at < len(text):
        match = _RULES.match(text, at)
        if match is None or text[match.end() : match.end() + 1] not in {"", ","}:
            raise MappingRulesError(f"no rule begins at {text[at:]!r}: expected DEFAULT or RULE:pattern/replacement/")
        try:
            rules.append(_rule(match))
        except (re.error, IndexError) as error:
            raise MappingRulesError(f"{match[0]!r}: {error}") from error
        at = match.end() + 1
    return tuple(rules)


def _rule(match: re.Match[str]) -> Rule:
    if match[1]:
        return Rule(re.compile(r"(?s).*"), "$0")
    rule = Rule(re.compile(match[2].replace(r"\/", "/")), match[3].replace(r"\/", "/"), match[4])
    if any(int(group) > rule.pattern.groups for group in _GROUP.findall(rule.replacement)):
        raise IndexError("the replacement names a group that the pattern does not have")
    return rule


def subject(parts: Iterable[Iterable[tuple[str, str]]]) -> str:
    """Return the subject as in RFC 2253, from the parts of `ssl.SSLSocket.getpeercert`, the most general first."""
    written = [
        "+".join(
            f"{_NAMES.get(name, name)}={_ESCAPED.sub(lambda match: chr(92) + match[0], value)}" for name, value in part
        )
        for part in parts
    ]
    return ",".join(reversed(written))


def principal_name(rules: Iterable[Rule], name: str) -> str | None:
    """Return the principal of the subject; None if no rule matches."""
    return next((principal for rule in rules if (principal := rule.principal(name))), None)
