"""Progress of long work: a bar on standard error if that is a terminal, and nothing otherwise."""

import sys

import click

_WIDTH = 30


class ProgressBar:
    """One bar after the other, each with its own label."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = ("", -1)

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show the progress; `total` is 0 while it is unknown, and the line ends when `done` reaches it."""
        if not self._shown or done == total == 0:
            return
        percent = 100 * done // total if total else done // 1000
        if (what, percent) == self._last and done != total:
            return
        self._last = (what, percent)
        bar = f"[{'#' * (percent * _WIDTH // 100):-<{_WIDTH}}] {done} of {total}" if total else str(done)
        click.echo(f"\r{what:<20} {bar}", nl=done == total, err=True)
