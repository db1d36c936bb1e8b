"""`karapace-like find`: the places of a word in a registry."""

import click

from karapace_like.cli.arguments import NON_EMPTY
from karapace_like.cli.outcome import report_failures
from karapace_like.cli.printing import format_option, print_value
from karapace_like.cli.registry_access import ask_registry, registry_options
from karapace_like.tooling.browsing import find_word

_EXAMPLES = """\b
Examples:
  karapace-like find customer_id --registry http://localhost:8081
  karapace-like find 42 --format json
"""


@click.command(epilog=_EXAMPLES)
@click.argument("word", type=NON_EMPTY)
@registry_options(required=True)
@format_option
def find(*, word: str, form: str, registry: str, **credentials: str | None) -> None:
    """Find WORD in the latest schemas of a registry: in subjects, names of records, fields and symbols, and texts.

    A number is looked for as the id of a schema as well. Case does not matter.

    Exit codes: 0 found, 1 found nowhere, 2 error.
    """
    with report_failures():
        hits = ask_registry(lambda remote: find_word(remote, word), registry, credentials)
    print_value(hits, "\n".join(hit.sentence for hit in hits), form)
    if not hits:
        raise click.exceptions.Exit(1)
