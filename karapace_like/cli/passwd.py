"""`karapace-like passwd`: an entry of an authfile."""

import sys

import click
import msgspec

from karapace_like.access.passwords import Algorithm, new_user

_EXAMPLES = """\b
Examples:
  karapace-like passwd ann
  pass show kafka/ann | karapace-like passwd ann
"""


@click.command(epilog=_EXAMPLES)
@click.argument("username")
@click.option(
    "--algorithm",
    type=click.Choice([each.value for each in Algorithm]),
    default=Algorithm.SCRYPT.value,
    show_default=True,
    help="How the password is hashed; the others are for old readers of the file.",
)
def passwd(*, username: str, algorithm: str) -> None:
    """Print what goes into the `users` of an authfile to let USERNAME in with a password.

    The password is asked for, or is the first line of standard input: never a part of the command line, which others
    can see.

    Exit codes: 0 printed, 2 no such user or password can be.
    """
    if not username or ":" in username:
        raise click.UsageError("A user name is not empty and has no colon: Basic authentication could not carry it.")
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise click.UsageError("The password is empty.")
    entry = new_user(username, password, Algorithm(algorithm))
    click.echo(msgspec.json.format(msgspec.json.encode(entry), indent=2).decode())
