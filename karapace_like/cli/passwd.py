"""`karapace-like passwd`: an authfile entry for a user."""

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
    type=click.Choice([algorithm.value for algorithm in Algorithm]),
    default=Algorithm.SCRYPT.value,
    show_default=True,
    help="Hash of the password; the others exist for authfiles that Karapace reads as well.",
)
def passwd(*, username: str, algorithm: str) -> None:
    """Print the entry that goes into `users` of an authfile to give USERNAME a password.

    The command prompts for the password, or reads the first line of standard input; other users could see an argument.

    Exit codes: 0 printed, 2 the user name or the password is not allowed.
    """
    if not username or ":" in username:
        raise click.UsageError(
            f"The user name {username!r} is empty or has a colon, which Basic authentication cannot transmit."
        )
    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if not password:
        raise click.UsageError("The password is empty. Type one, or write it to standard input.")
    if "\0" in password:
        raise click.UsageError("The password has a null character, which no password may have.")
    entry = new_user(username, password, Algorithm(algorithm))
    click.echo(msgspec.json.format(msgspec.json.encode(entry), indent=2).decode())
