"""How far long work is: a bar on a terminal's standard error, and nothing where that is no terminal."""

import sys

import click

_WIDTH = 30


class ProgressBar:
    """Bars, one after the other, each told apart by what it is about."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()
        self._last = ("", -1)

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far the work is; `total` is 0 as long as nobody knows, and the line ends where `done` reaches it."""
        if not self._shown or done == total == 0:
            return
        percent = 100 * done // total if total else done // 1000
        if (what, percent) == self._last and done != total:
            return
        self._last = (what, percent)
        bar = f"[{'#' * (percent * _WIDTH // 100):-<{_WIDTH}}] {done} of {total}" if total else str(done)
        click.echo(f"\r{what:<20} {bar}", nl=done == total, err=True)
