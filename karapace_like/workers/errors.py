"""What can be wrong with a node of several workers."""


class WorkerFailedError(Exception):
    """The node cannot serve; the message says why."""
