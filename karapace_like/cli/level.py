"""`karapace-like level`: the compatibility level of a subject, or the global one."""

from karapace_like.cli.registry_setting import make_setting_command
from karapace_like.tooling.settings import LEVEL

level = make_setting_command(LEVEL, "level", "compatibility level", "FULL")
