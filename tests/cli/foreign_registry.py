"""Registries of other products as commands see them: a real HTTP server that answers as they do.

It forwards to this service, whose dialects have the recorded wording of Confluent's and Karapace's answers, and rejects
or ignores what the product does not have. The calls are those of the products' public documentation and sources.
"""

import http.client
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

_OWN = r"/(policies|queues|console|usage)(/.*)?|/subjects:search|/subjects/[^/]*/versions/[^/]*/diff/.*"
"""Calls that only this service has."""
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "date", "server", "keep-alive"})


class Product(NamedTuple):
    """What a product does not have."""

    dialect: str
    """That of the service behind."""
    unknown_paths: str
    """Answered with 404."""
    unknown_methods: Mapping[str, str]
    """Method -> paths that have others; answered with 405."""
    unknown_queries: frozenset[str]
    """Parameters that are ignored."""


PRODUCTS = {
    "confluent": Product("confluent", rf"{_OWN}|/_health|/master_available|/exporters.*", {}, frozenset({"retired"})),
    "karapace": Product(
        "karapace",
        rf"{_OWN}|/contexts(/.*)?|/schemas/ids/\d+/(schema|subjects)|/schemas/guids/.*|/subjects/[^/]*/metadata"
        r"|/compatibility/subjects/[^/]*/versions|/associations.*|/dek-registry.*|/exporters.*|/v1/.*",
        {"PUT": r"/mode(/.*)?", "DELETE": r"/config|/mode(/.*)?"},
        frozenset({"force", "subjectPrefix", "offset", "limit", "verbose", "deletedOnly", "retired", "recursive"}),
    ),
    "redpanda": Product(
        "confluent",
        rf"{_OWN}|/|/schemas|/schemas/guids/.*|/subjects/[^/]*/metadata|/compatibility/subjects/[^/]*/versions"
        r"|/associations.*|/dek-registry.*|/exporters.*|/v1/.*|/_health|/master_available",
        {"DELETE": r"/config"},
        frozenset({"force", "offset", "limit", "verbose", "deletedOnly", "retired", "recursive"}),
    ),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    service: str
    product: Product
    calls: list[str]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's name
        """Write no line for each request."""

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts, product = urlsplit(self.path), self.server.product
        self.server.calls.append(f"{self.command} {parts.path}")
        if re.fullmatch(product.unknown_paths, parts.path):
            self._send(404, b'{"error_code":404,"message":"HTTP 404 Not Found"}', {})
        elif re.fullmatch(product.unknown_methods.get(self.command, "(?!)"), parts.path):
            self._send(405, b'{"error_code":405,"message":"HTTP 405 Method Not Allowed"}', {})
        else:
            query = [
                pair
                for pair in parse_qsl(parts.query, keep_blank_values=True)
                if pair[0] not in product.unknown_queries
            ]
            self._forward(f"{parts.path}?{urlencode(query)}" if query else parts.path, content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the base's names

    def _forward(self, target: str, content: bytes) -> None:
        connection = http.client.HTTPConnection(urlsplit(self.server.service).netloc)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP | {"host"}}
        try:
            connection.request(self.command, target, content, headers)
            response = connection.getresponse()
            self._send(response.status, response.read(), dict(response.getheaders()))
        finally:
            connection.close()

    def _send(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response_only(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            if name.lower() not in _HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


class ForeignRegistry(NamedTuple):
    """A running registry."""

    url: str
    calls: list[str]
    """Method and path of each call so far."""


@contextmanager
def serve_as(product: str, service: str) -> Iterator[ForeignRegistry]:
    """Yield a registry of the product in front of the service."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.service, server.product, server.calls = service, PRODUCTS[product], []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield ForeignRegistry(f"http://127.0.0.1:{server.server_port}", server.calls)
        finally:
            server.shutdown()
            thread.join()
