"""What one HTTP call, or one record of it, costs the serving process, beside a bare aiohttp in the same run.

python -m benchmarks.calls [--seconds 3] [--connections 32] [NAME...]
"""

import argparse
from urllib.parse import urlsplit

from benchmarks.load import Cost, Load, bare_aiohttp, measure, request
from benchmarks.paths import Path, produce_paths, registry_paths
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess


def main() -> None:
    """Print a line for each call."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seconds", type=float, default=3.0)
    arguments.add_argument("--connections", type=int, help="instead of each call's own")
    arguments.add_argument("names", nargs="*", help="only the calls whose name begins so")
    wanted = arguments.parse_args()
    bare, port = bare_aiohttp()
    load = Load(wanted.connections or 32, wanted.seconds)
    try:
        with Cluster() as kafka, ServiceProcess(kafka.bootstrap_servers) as service:
            host = urlsplit(service.url).netloc
            gets = measure(bare.pid, "127.0.0.1", port, [request("GET", "/schemas/ids/1", host)], load)
            body = b"x" * 1200
            posts = measure(bare.pid, "127.0.0.1", port, [request("POST", "/subjects/a/versions", host, body)], load)
            print(f"{'bare aiohttp GET':24}{gets}\n{'bare aiohttp POST':24}{posts}")
            for path in [*registry_paths(service.url), *produce_paths(service.url)]:
                if wanted.names and not path.name.startswith(tuple(wanted.names)):
                    continue
                found = _measured(service, path, Load(wanted.connections or path.connections, wanted.seconds))
                _report(path, found, gets if path.method == "GET" else posts)
    finally:
        bare.terminate()


def _measured(service: ServiceProcess, path: Path, load: Load) -> Cost:
    address = urlsplit(service.url)
    headers = {"Content_Type": path.content_type} if path.content_type else {}
    sent = request(path.method, path.path, address.netloc, path.body, **headers)
    return measure(service.pid, "127.0.0.1", address.port or 0, [sent], load)


def _report(path: Path, found: Cost, bound: Cost) -> None:
    each = f"  {found.cpu_us / path.units:6.2f} us a record" if path.units > 1 else ""
    print(f"{path.name:24}{found}  {found.cpu_us / bound.cpu_us:5.2f} x bare aiohttp{each}", flush=True)


if __name__ == "__main__":
    main()
