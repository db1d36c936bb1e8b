"""The error of the configuration."""

from typing import NamedTuple


class Fault(NamedTuple):
    """What is wrong with the values of some settings."""

    settings: tuple[str, ...]
    """The settings concerned, the one to change first."""
    sentence: str


class ConfigError(Exception):
    """Settings are invalid: a sentence for each fault names the setting, its value and what is allowed."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences
