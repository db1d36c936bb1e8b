"""Write the pages of docs/ that the code knows better: settings, and the rules of compatibility.

`make docs` runs it; a test holds that the pages are as it would write them.
"""

import enum
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from karapace_like import config
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import Rule, SchemaType
from karapace_like.web import connect, exposition, health, openapi, proxy, proxy_v3, registry, service
from karapace_like.web.routing import Route, Served

FOLDER = Path(__file__).parent


CONFIGURATION = """\
# Configuration
<!-- Written by `make docs` from the code: change that. -->

Settings have Karapace's names. They are read from a JSON file (the argument of `karapace-like serve`), then from the
environment (`KARAPACE_` and the name in upper case: `KARAPACE_BOOTSTRAP_URI`), then from the command line; the later
one wins. An empty variable counts as not set, and a name that is not known is reported and ignored. For names that
begin with `karapace_`, both `KARAPACE_REST` and `KARAPACE_KARAPACE_REST` are read.

| setting | default | |
|---|---|---|
"""


def configuration() -> str:
    """Every setting."""
    rows = (f"| `{each.name}` | {_value(each.default)} | {each.description} |" for each in config.described())
    return CONFIGURATION + "\n".join(rows) + "\n"


def _value(default: object) -> str:
    if default is None:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple | dict):
        return f"`{json.dumps(default)}`"
    return f"`{default.value if isinstance(default, enum.Enum) else default}`"


def compatibility() -> str:
    """The rules of each format after the page's hand-written beginning."""
    head = (FOLDER / "compatibility-head.md").read_text()
    return "\n".join([head.rstrip(), "", *(line for each in SchemaType for line in _rules(each))])


def _rules(schema_type: SchemaType) -> Iterator[str]:
    yield f"## {schema_type}: where we differ"
    yield ""
    for difference, reason in FORMATS[schema_type].differences.items():
        yield f"- **{difference}.** {reason}"
    yield ""
    yield f"## {schema_type}: rules"
    yield ""
    for rule in FORMATS[schema_type].rules.values():
        yield from _rule(schema_type, rule)


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


HTTP_API = """\
# HTTP API
<!-- Written by the build of the site from the code: change that. -->

Every call. A running service describes them with bodies, answers and examples at `/docs`, and for programs at
`/openapi.json`. Paths of the registry are also served below `/contexts/{context}`. Every error is an object with
`error_code` (an HTTP status, maybe with two digits more) and `message`.

The formats and headers of the REST proxy are shown in [REST v2](rest.md), [its consumers](rest-consumers.md) and
[REST v3](rest-v3.md).
"""
HALVES: Mapping[str, Sequence[Route]] = {
    "Schema registry": (*registry.TOP_ROUTES, *registry.ROUTES),
    "REST proxy, v2": proxy.ROUTES,
    "REST proxy, v3": proxy_v3.ROUTES,
    "Kafka Connect": connect.ROUTES,
    "The service itself": (*service.ROUTES, *health.ROUTES, *exposition.ROUTES),
}


def http_api() -> str:
    """Every call, with its path's and query's parameters."""
    return "\n".join([HTTP_API, *(line for title, routes in HALVES.items() for line in _calls(title, routes))])


def _calls(title: str, routes: Sequence[Route]) -> Iterator[str]:
    yield from (f"## {title}", "", "| call | | query |", "|---|---|---|")
    for path, item in openapi.document([Served(each, ("",)) for each in routes])["paths"].items():
        for method, operation in item.items():
            query = ", ".join(f"`{each['name']}`" for each in operation["parameters"] if each["in"] == "query")
            yield f"| `{method.upper()} {path}` | {operation['summary']} | {query} |"
    yield ""


PAGES = {"configuration.md": configuration, "compatibility.md": compatibility}
OF_THE_SITE = {"http-api.md": http_api}
"""Made whenever the site is built, and not kept: calls change with the code."""


def write(pages: Mapping[str, Callable[[], str]]) -> None:
    """Make the pages anew."""
    for name, page in pages.items():
        (FOLDER / name).write_text(page())


if __name__ == "__main__":
    write(PAGES)
