"""What a service is not asked for costs no memory and no time at its start."""

import subprocess
import sys
from pathlib import Path

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


def test_a_check_of_avro_files_loads_no_other_format_and_no_client(tmp_path: Path) -> None:
    """Each of them would take a tenth of the start, or more."""
    (tmp_path / "a.avsc").write_text('"int"')
    unneeded = ["asyncio", "ctypes", "fastavro", "google.protobuf", "http.client", "jsonschema", "ssl"]
    arguments = ["karapace-like", "check", str(tmp_path), "--against", str(tmp_path)]
    lines = [
        "import sys",
        f"sys.argv = {arguments}",
        "from karapace_like.cli import main",
        "try: main()",
        f"except SystemExit: print(*{set(unneeded)} & sys.modules.keys())",
    ]
    told = subprocess.check_output([sys.executable, "-c", "\n".join(lines)], text=True)
    assert told == "1 schema: 1 passed\n\n"
