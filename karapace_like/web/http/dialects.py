"""The dialects of the API: whose answers a listener gives where Confluent's and Karapace's differ."""

import enum


class Dialect(enum.StrEnum):
    """What the clients of a listener expect."""

    CONFLUENT = "confluent"
    """The answers of Confluent Schema Registry and Confluent REST Proxy, as handlers give them."""
    KARAPACE = "karapace"
    """The answers of Karapace; `web/dialect/` makes them of Confluent's."""
