"""Write the pages of docs/ that the code knows better: settings, and the rules of compatibility.

`make docs` runs it; a test holds that the pages are as it would write them.
"""

import enum
import json
from collections.abc import Iterator
from pathlib import Path

from karapace_like import config
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import Rule, SchemaType

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


PAGES = {"configuration.md": configuration, "compatibility.md": compatibility}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
