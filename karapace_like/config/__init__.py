"""The settings of the service: their names, types and defaults; read once and never changed.

Names are Karapace's. Values come from a JSON file, from the environment (`KARAPACE_` and the upper-case name) and from
the command line; later sources win. `docs/configuration.md` lists every setting.
"""

from karapace_like.config.choices import (
    AccessLogFormat,
    ClientAuth,
    Listener,
    LogLevel,
    NameStrategy,
    PoliciesEnabled,
    SaslMechanism,
    SchemaValidation,
    SecurityProtocol,
)
from karapace_like.config.description import Group, Setting
from karapace_like.config.errors import ConfigError
from karapace_like.config.service_links import explain_service_links
from karapace_like.config.settings import Settings
from karapace_like.config.sources import Reading, load, read
from karapace_like.config.values import describe_settings
from karapace_like.process.child_environment import ENVIRONMENT_PREFIX

__all__ = [
    "ENVIRONMENT_PREFIX",
    "AccessLogFormat",
    "ClientAuth",
    "ConfigError",
    "Group",
    "Listener",
    "LogLevel",
    "NameStrategy",
    "PoliciesEnabled",
    "Reading",
    "SaslMechanism",
    "SchemaValidation",
    "SecurityProtocol",
    "Setting",
    "Settings",
    "describe_settings",
    "explain_service_links",
    "load",
    "read",
]
