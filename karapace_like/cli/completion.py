"""`karapace-like completion`: what makes a shell complete commands and options."""

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
    """Print a script for SHELL, to be put where that looks for completions.

    Exit codes: 0 printed, 2 the shell is not known.
    """
    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root()
    click.echo(found(root.command, {}, "karapace-like", "_KARAPACE_LIKE_COMPLETE").source())
