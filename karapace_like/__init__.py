"""One service that is both a schema registry and a Kafka REST proxy."""


def __getattr__(name: str) -> str:
    """`__version__`, looked up when it is asked for: that takes as long as starting an interpreter."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return version("karapace-like")
