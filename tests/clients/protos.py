"""Protobuf sources compiled as a client's build compiles them: by protoc, with the types that libraries ship."""

from pathlib import Path

from grpc_tools import protoc

_GRPC_TOOLS = Path(str(protoc.__file__)).parent
_INCLUDED = (_GRPC_TOOLS / "_proto", _GRPC_TOOLS.parent)
"""`google/protobuf/` in the compiler's own folder, `google/type/` beside the installed packages."""

PARCEL = 'syntax = "proto3"; package own; message Parcel { int32 grams = 1; }'


def route(parcel: str) -> str:
    """A source that imports PARCEL under that file name, with nested, mapped and well-known types."""
    return f"""
syntax = "proto3";
package own;
import "google/protobuf/timestamp.proto";
import "google/type/money.proto";
import "{parcel}";
message Depot {{ string name = 1; }}
message Route {{
  message Stop {{ Depot depot = 1; google.protobuf.Timestamp at = 2; }}
  repeated Parcel loads = 1;
  map<string, Stop> stops = 2;
  google.type.Money price = 3;
}}
"""


def compile_protos(folder: Path, sources: dict[str, str]) -> Path:
    """A serialized FileDescriptorSet of the sources, by file name, and of all that they import, imports first."""
    for name, text in sources.items():
        (folder / name).write_text(text)
    compiled = folder / "descriptors"
    paths = [f"-I{each}" for each in (folder, *_INCLUDED)]
    assert protoc.main(["protoc", *paths, "--include_imports", f"--descriptor_set_out={compiled}", *sources]) == 0
    return compiled
