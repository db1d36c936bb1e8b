"""`karapace-like completion`: a script that makes a shell complete commands and options."""

import click
from click.shell_completion import get_completion_class

_EXAMPLES = """\b
Examples:
  karapace-like completion bash > ~/.local/share/bash-completion/completions/karapace-like
  karapace-like completion zsh > "${fpath[1]}/_karapace-like"
  karapace-like completion fish > ~/.config/fish/completions/karapace-like.fish
"""


@click.command(epilog=_EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print a completion script for SHELL; the examples show where the shells look for it.

    Exit codes: 0 printed, 2 unknown shell.
    """
    completion_class = get_completion_class(shell)
    assert completion_class is not None
    root = click.get_current_context().find_root()
    click.echo(completion_class(root.command, {}, "karapace-like", "_KARAPACE_LIKE_COMPLETE").source())
