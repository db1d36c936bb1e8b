"""One service that is both a schema registry and a Kafka REST proxy."""

from importlib.metadata import version

__version__ = version("karapace-like")
