"""Write the pages of docs/ that follow from the code: the settings, the rules of compatibility and those of style.

`make docs` runs it; a test checks that the committed pages are up to date.
"""

import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from karapace_like import config
from karapace_like.schema.changes import ChangeCategory
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import Rule, SchemaType
from karapace_like.tooling.lint_examples import EXAMPLES
from karapace_like.tooling.lint_rules import CATEGORIES, LintRule
from karapace_like.tooling.lint_rules import RULES as LINT_RULES
from karapace_like.web import connect, proxy, proxy_v1, proxy_v3, registry
from karapace_like.web.dialect.table import DIFFERENCES
from karapace_like.web.operations import exposition, health, openapi, service
from karapace_like.web.routing import RegisteredRoute, Route

FOLDER = Path(__file__).parent


CONFIGURATION = """\
---
tocdepth: 2
---
# Configuration
<!-- Written by `make docs` from the code: change karapace_like/config/settings/. -->

This page lists every setting with its default, meaning and an example. Names are Karapace's. A setting is read from
three sources; a later one wins:

1. A JSON file, the argument of `karapace-like serve`: `{"bootstrap_uri": "kafka-1:9092"}`.
2. The environment, as `KARAPACE_` and the name in upper case: `KARAPACE_BOOTSTRAP_URI=kafka-1:9092`. An empty variable
   counts as unset. The prefix need not be repeated: `KARAPACE_REST` and `KARAPACE_KARAPACE_REST` both set
   `karapace_rest`. Variables that Kubernetes sets for a Service, as `KARAPACE_PORT=tcp://10.0.0.7:8081`, are ignored.
3. The command line, for the options of `karapace-like serve --help`: `--bootstrap-uri kafka-1:9092`.

Each secret can be in a file instead, which `<name>_file` names:
`KARAPACE_SASL_PLAIN_PASSWORD_FILE=/run/secrets/kafka`, or `{"sasl_plain_password_file": "/run/secrets/kafka"}`. A line
end at the end of the file does not belong to the secret.

An unknown name is reported with the setting that was probably meant, and ignored; `strict_config` makes it an error. A
value that is not allowed ends the start with an error that names the variable or key, the value, and what is allowed.
The unit of a time ends the name of the setting, or stands in its description.

Three commands help with it; they read FILE and the environment as `karapace-like serve` does:

| command | what it does |
|---|---|
| `karapace-like config check FILE` | reports every error at once, and what is risky; exit code 2 for errors |
| `karapace-like config show FILE` | prints each setting's effective value and its source; secrets are masked |
| `karapace-like config list` | prints this page in the terminal; `config list consumer`: only such names |

[Wrong configurations](mistakes.md) lists them with the sentence that `check` and `serve` print for each.
"""


def configuration() -> str:
    """Return the page of settings: a section for each group, a heading for each setting."""
    settings = config.describe_settings()
    return "\n".join([CONFIGURATION, *(line for group in config.Group for line in _group(group, settings))])


def _group(group: config.Group, settings: Sequence[config.Setting]) -> Iterator[str]:
    yield from (f"## {group.title}", group.about, "")
    for setting in settings:
        if setting.group is group:
            in_file = f" Or `{setting.name}_file`: the file that holds it." if setting.is_secret else ""
            yield from (f"### `{setting.name}`", setting.description + in_file, "")
            yield f"Default: {_value(setting.default)}. Example: {_value(setting.example)}"
            yield ""


def _value(default: object) -> str:
    if default is None:
        return "unset"
    if default == "":
        return "empty"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple | dict):
        return f"`{json.dumps(default)}`"
    return f"`{default.value if isinstance(default, enum.Enum) else default}`"


def compatibility() -> str:
    """Return the page of compatibility: a hand-written beginning, then the rules of each format."""
    head = (FOLDER / "compatibility-head.md").read_text()
    return "\n".join([head.rstrip(), "", *(line for each in SchemaType for line in _rules(each)), *_change_rules()])


def _rules(schema_type: SchemaType) -> Iterator[str]:
    yield f"## {schema_type}: where we differ"
    yield ""
    for difference, reason in FORMATS[schema_type].DIFFERENCES.items():
        yield f"- **{difference}.** {reason}"
    yield ""
    yield f"## {schema_type}: rules"
    yield ""
    for rule in FORMATS[schema_type].RULES.values():
        yield from _rule(schema_type, rule)


_CHANGES = """\
## Categories of `check`
`karapace-like check --use CATEGORY`, or `use` in the table `[check]` of `karapace-like.toml`, asks more of changes in
Protobuf schemas than a registry does. Each category has the rules of those before it. They apply at every level except
`NONE`. A registry does not know them: it registers what breaks them.

| `--use` | changes keep | its rules |
|---|---|---|
"""
_PROMISES = {
    ChangeCategory.WIRE: "the meaning of bytes, also after the next change",
    ChangeCategory.JSON: "and the meaning of the JSON form",
    ChangeCategory.SOURCE: "and source code that uses generated classes",
}


def _change_rules() -> Iterator[str]:
    """Yield the categories, then each rule with a change that breaks it and one that keeps it."""
    rules = [rule for schema_type in SchemaType for rule in FORMATS[schema_type].CHANGE_RULES.values()]
    table = ""
    for category, promise in _PROMISES.items():
        names = ", ".join(f"[{rule.name}](#{rule.name.lower()})" for rule in rules if rule.category is category)
        table += f"| `{category}` | {promise} | {names} |\n"
    yield _CHANGES + table
    for rule in rules:
        yield f"### {rule.name}"
        yield f"Category `{rule.category}`. {rule.template.format(path='…', detail='…')}. To do: {rule.advice}."
        for word, text in (("old", rule.old), ("breaks it", rule.new), ("keeps it", rule.kept)):
            yield from ("", f"{word}:", "```proto", text.rstrip("\n"), "```")
        yield ""


def _rule(schema_type: SchemaType, rule: Rule) -> Iterator[str]:
    language = "proto" if schema_type is SchemaType.PROTOBUF else "json"
    yield f"### {rule.name}"
    yield f"{rule.template.format(path='…', detail='…', reader='new', writer='old')}"
    for word, text in (("old", rule.old), ("new", rule.new)):
        yield ""
        yield f"{word}:"
        yield f"```{language}"
        yield text.rstrip("\n")
        yield "```"
    yield ""


LINT = """\
# Lint rules
<!-- Written by `make docs` from the code: change karapace_like/tooling/lint_rules.py and lint_examples.py. -->

This page shows each rule of `karapace-like lint` with a schema that breaks it and one that keeps it. [Lint](ci.md#lint)
explains severities, categories and packs.

"""


def lint() -> str:
    """Return the page of lint rules: the table of categories, then each rule with its examples."""
    head = ["| category | its rules |", "|---|---|"]
    for category, meaning in CATEGORIES.items():
        names = ", ".join(f"[{rule.name}](#{rule.name})" for rule in LINT_RULES.values() if rule.category == category)
        head.append(f"| `{category}`: {meaning} | {names} |")
    others = ", ".join(f"[{rule.name}](#{rule.name})" for rule in LINT_RULES.values() if rule.category is None)
    head += [f"| none: applied where it is asked for | {others} |", ""]
    return LINT + "\n".join([*head, *(line for rule in LINT_RULES.values() for line in _lint_rule(rule))])


def _lint_rule(rule: LintRule) -> Iterator[str]:
    example = EXAMPLES[rule.name]
    language = "proto" if example.file.endswith(".proto") else "json"
    formats = ", ".join(sorted(rule.types))
    yield from (f"## {rule.name}", f"{rule.about[0].upper()}{rule.about[1:]} ({formats}; by default `{rule.default}`).")
    yield example.reason
    both = (
        ("breaks it", example.bad, example.settings),
        ("keeps it", example.good, example.good_settings or example.settings),
    )
    for word, text, settings in both:
        if settings:
            yield from ("", "```toml", settings.rstrip("\n"), "```")
        yield from ("", f"`{example.file}` {word}:", f"```{language}", text.rstrip("\n"), "```")
    yield ""


HTTP_API = """\
# HTTP API
<!-- Written by the build of the site from the code: change that. -->

This page lists every call. A running service describes them with bodies, responses and examples at `/docs`, and for
programs at `/openapi.json`. Paths of the registry are also served below `/contexts/{context}`. Every error is an object
with `error_code` (an HTTP status, or one followed by two digits) and `message`.

The formats and headers of the REST proxy are shown in [REST v2](rest.md), [its consumers](rest-consumers.md) and
[REST v3](rest-v3.md).
"""
HALVES: Mapping[str, Sequence[Route]] = {
    "Schema registry": (*registry.TOP_ROUTES, *registry.ROUTES),
    "REST proxy, v1: calls that v2 dropped": proxy_v1.ROUTES,
    "REST proxy, v2": proxy.ROUTES,
    "REST proxy, v3": proxy_v3.ROUTES,
    "Kafka Connect": connect.ROUTES,
    "The service itself": (*service.ROUTES, *health.ROUTES, *exposition.ROUTES),
}


def http_api() -> str:
    """Return the page of all HTTP calls with their query parameters."""
    return "\n".join([HTTP_API, *(line for title, routes in HALVES.items() for line in _calls(title, routes))])


def _calls(title: str, routes: Sequence[Route]) -> Iterator[str]:
    yield from (f"## {title}", "", "| call | | query |", "|---|---|---|")
    for path, item in openapi.document([RegisteredRoute(each, ("",)) for each in routes])["paths"].items():
        for method, operation in item.items():
            query = ", ".join(f"`{each['name']}`" for each in operation["parameters"] if each["in"] == "query")
            yield f"| `{method.upper()} {path}` | {operation['summary']} | {query} |"
    yield ""


def dialects() -> str:
    """Return the page of dialects: a hand-written beginning, then every row of the table of differences."""
    head = (FOLDER / "dialects-head.md").read_text()
    return head + "".join(f"| {row.where} | {row.confluent} | {row.karapace} |\n" for row in DIFFERENCES)


PAGES = {"configuration.md": configuration, "compatibility.md": compatibility, "dialects.md": dialects, "lint.md": lint}
OF_THE_SITE = {"http-api.md": http_api}
"""Written by every build of the site and not committed: routes change with the code."""


def write(pages: Mapping[str, Callable[[], str]]) -> None:
    """Write the pages into docs/."""
    for name, page in pages.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    write(PAGES)
