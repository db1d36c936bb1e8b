"""The one error of a configuration."""


class ConfigError(Exception):
    """A setting cannot be used; the message names it, where it comes from, and what is expected."""
