"""One service that is both a schema registry and a Kafka REST proxy."""


def __getattr__(name: str) -> str:
    """Return `__version__`, read on first use: that takes as long as the start of an interpreter."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version  # noqa: PLC0415 - see above

    return version("karapace-like")
