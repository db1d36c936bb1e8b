"""Every setting of the service: its name, type and default, read once and never changed.

Names are Karapace's. Sources, the later ones win: a JSON file, the environment (`KARAPACE_` and the upper-case name),
the command line. `docs/configuration.md` lists them all.
"""

from karapace_like.config.choices import (
    ClientAuth,
    Listener,
    LogLevel,
    NameStrategy,
    SaslMechanism,
    SchemaValidation,
    SecurityProtocol,
)
from karapace_like.config.errors import ConfigError
from karapace_like.config.settings import Setting, Settings, described
from karapace_like.config.sources import ENVIRONMENT_PREFIX, load

__all__ = [
    "ENVIRONMENT_PREFIX",
    "ClientAuth",
    "ConfigError",
    "Listener",
    "LogLevel",
    "NameStrategy",
    "SaslMechanism",
    "SchemaValidation",
    "SecurityProtocol",
    "Setting",
    "Settings",
    "described",
    "load",
]
