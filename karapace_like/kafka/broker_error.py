"""Errors of the embedded Kafka, for the person who started it."""


class BrokerError(Exception):
    """The embedded Kafka cannot start or has ended. The message says why, and what to do."""


class PortTakenError(BrokerError):
    """A broker cannot listen on a port that another program uses."""
