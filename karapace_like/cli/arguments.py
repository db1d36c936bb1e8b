"""Arguments that name one thing: an empty one, as of a variable that is not set, would name everything."""

import click


class _NonEmptyText(click.ParamType[str]):
    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value.strip():
            self.fail("it is empty. Is the variable that it comes from set?", param, ctx)
        return value


NON_EMPTY = _NonEmptyText()
"""The type of such an argument or option."""

subject_argument = click.argument("subject", type=NON_EMPTY)
topic_argument = click.argument("topic", type=NON_EMPTY)
