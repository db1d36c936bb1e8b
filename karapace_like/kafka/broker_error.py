"""What goes wrong with the embedded Kafka, told to the person who started it."""


class BrokerError(Exception):
    """One sentence that says what is missing or in the way, and what to do about it."""


class PortTakenError(BrokerError):
    """A broker could not listen, as another program does already."""
