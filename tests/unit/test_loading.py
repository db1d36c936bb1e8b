"""What a service is not asked for costs no memory and no time at its start."""

import subprocess
import sys

_LATER = {
    "opentelemetry": "traces and metrics over OTLP",
    "joserfc": "bearer tokens",
    "cryptography": "their signatures",
    "jsonschema": "the values in schemas that are linted",
    "grpc_tools._protoc_compiler": "Protobuf schemas",
}
"""Library -> what it is loaded for."""


def test_libraries_are_loaded_when_they_are_needed() -> None:
    """Importing what `karapace-like serve` runs loads none of them."""
    told = f"import karapace_like.cli.serve, karapace_like.serve, sys; print(*{set(_LATER)} & sys.modules.keys())"
    assert subprocess.check_output([sys.executable, "-c", told], text=True).strip() == ""
