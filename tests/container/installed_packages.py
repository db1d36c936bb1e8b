"""A package index of what is installed here, for pip: wheels in the installed versions, made when they are downloaded.

It needs no network, and offers one version of each package: pip's choice among all that exist takes most of its time.
"""

import io
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath

_NOT_IN_A_WHEEL = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
"""Files that an installer writes into the package's metadata."""


@contextmanager
def serve_index() -> Iterator[str]:
    """The index's URL, while it is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """`/simple/NAME/` links `/wheels/NAME/FILE`."""

    def do_GET(self) -> None:
        kind, name = self.path.strip("/").split("/")[:2]
        try:
            package = distribution(name)
        except PackageNotFoundError:
            self.send_error(404)
            return
        body = f'<a href="/wheels/{name}/{_file_name(package)}"></a>'.encode() if kind == "simple" else _wheel(package)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if kind == "simple" else "application/zip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Requests are of no interest."""


def _file_name(package: Distribution) -> str:
    lines = (package.read_text("WHEEL") or "").splitlines()
    # Of a wheel for Python 2 and 3, the last one is that of 3.
    tag = next(line for line in reversed(lines) if line.startswith("Tag:")).removeprefix("Tag:").strip()
    return f"{package.name.replace('-', '_')}-{package.version}-{tag}.whl"


def _wheel(package: Distribution) -> bytes:
    """The installed files but the commands, which pip makes of the entry points."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        for path in package.files or ():
            if not _is_left_out(path):
                wheel.write(Path(str(package.locate_file(path))), path)
        metadata = next(path.parent for path in package.files or () if path.name == "METADATA")
        wheel.writestr(f"{metadata}/RECORD", "")
    return content.getvalue()


def _is_left_out(path: PurePosixPath) -> bool:
    return ".." in path.parts or path.suffix == ".pyc" or path.name in _NOT_IN_A_WHEEL
