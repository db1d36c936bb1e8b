"""What one HTTP call costs the serving process, beside a bare aiohttp answering ready bytes, in one run.

python benchmarks/http.py [--seconds 3] [--connections 32] [NAME...]
"""

import argparse
import json
import urllib.request
from urllib.parse import urlsplit

from benchmarks.load import Cost, Load, bare_aiohttp, measure, request
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

REGISTRY = "application/vnd.schemaregistry.v1+json"
SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Parcel",
        "fields": [{"name": f"field_{number}", "type": ["null", "string"], "default": None} for number in range(14)],
    },
    separators=(",", ":"),
)


def _post(url: str, path: str, body: bytes, content_type: str) -> None:
    urllib.request.urlopen(urllib.request.Request(url + path, body, {"Content-Type": content_type}), timeout=60).close()


def _cases(host: str, url: str) -> dict[str, list[bytes]]:
    body = json.dumps({"schema": SCHEMA}).encode()
    value = json.dumps({"schema": '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'}).encode()
    _post(url, "/subjects/bench/versions", body, REGISTRY)
    _post(url, "/subjects/bench-value/versions", value, REGISTRY)
    known = request("POST", "/subjects/bench/versions", host, body, Content_Type=REGISTRY)
    return {
        "get by id": [request("GET", "/schemas/ids/1", host)],
        "get version": [request("GET", "/subjects/bench/versions/1", host)],
        "get latest": [request("GET", "/subjects/bench/versions/latest", host)],
        "look up": [request("POST", "/subjects/bench", host, body, Content_Type=REGISTRY)],
        "register known": [known],
        "check": [request("POST", "/compatibility/subjects/bench/versions/latest", host, body, Content_Type=REGISTRY)],
        **{
            f"produce 1 {name}": [
                request("POST", "/topics/bench", host, text, Content_Type=f"application/vnd.kafka.{name}.v2+json")
            ]
            for name, text in {
                "binary": b'{"records":[{"value":"' + b"QUJD" * 25 + b'"}]}',
                "json": b'{"records":[{"value":{"a":"' + b"x" * 90 + b'"}}]}',
                "avro": b'{"value_schema_id":2,"records":[{"value":{"a":1}}]}',
            }.items()
        },
    }


def main() -> None:
    """Print a line for each call."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=3.0)
    arguments.add_argument("--connections", type=int, default=32)
    arguments.add_argument("names", nargs="*", help="only the calls whose name begins so")
    wanted = arguments.parse_args()
    bare, port = bare_aiohttp()
    load = Load(wanted.connections, wanted.seconds)
    try:
        with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
            host = urlsplit(service.url).netloc
            gets = measure(bare.pid, "127.0.0.1", port, [request("GET", "/schemas/ids/1", host)], load)
            body = b"x" * 1200
            posts = measure(bare.pid, "127.0.0.1", port, [request("POST", "/subjects/a/versions", host, body)], load)
            print(f"{'bare aiohttp GET':24}{gets}\n{'bare aiohttp POST':24}{posts}")
            for name, requests in _cases(host, service.url).items():
                if wanted.names and not name.startswith(tuple(wanted.names)):
                    continue
                found = measure(service.pid, "127.0.0.1", urlsplit(service.url).port or 0, requests, load)
                _report(name, found, gets if name.startswith("get") else posts)
    finally:
        bare.terminate()


def _report(name: str, found: Cost, bound: Cost) -> None:
    print(f"{name:24}{found}  {found.cpu_us / bound.cpu_us:5.2f} x bare aiohttp", flush=True)


if __name__ == "__main__":
    main()
