"""What makes a command impossible, in a sentence that says what to do about it."""


class ToolError(Exception):
    """Nothing could be judged: the command ends with exit code 2."""
