"""`karapace-like mode`: the mode of a subject, or the global one."""

from karapace_like.cli.registry_setting import make_setting_command
from karapace_like.tooling.settings import MODE

mode = make_setting_command(MODE, "mode", "mode", "READONLY")
