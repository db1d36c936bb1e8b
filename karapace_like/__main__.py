"""`python -m karapace_like` is the command `karapace-like`."""

from karapace_like.cli import run

run()
