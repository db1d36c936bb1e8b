"""How commands reach a registry: credentials, and what is told where none answers, or something else does."""

import threading
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from tests.cli.shop import ADDRESS, MEDIA_TYPE, Shop
from tests.command_line import run, write
from tests.service_process import ServiceProcess


class Guard(BaseHTTPRequestHandler):
    """What stands in front of a registry and asks for a user or a token."""

    url: ClassVar[str]
    allowed: ClassVar[set[str]] = {f"Basic {b64encode(b'ann:a secret').decode()}", "Bearer t0ken"}

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def do_GET(self) -> None:
        self._pass_on(None)

    def _pass_on(self, body: bytes | None) -> None:
        status, answer = 401, b'{"error_code": 40101, "message": "Who are you?"}'
        if self.headers["Authorization"] in self.allowed:
            asked = urllib.request.Request(
                self.url + self.path, body, {"Content-Type": MEDIA_TYPE}, method=self.command
            )
            try:
                with urllib.request.urlopen(asked) as passed:
                    status, answer = passed.status, passed.read()
            except urllib.error.HTTPError as error:
                status, answer = error.code, error.read()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def guarded(service: ServiceProcess) -> Iterator[str]:
    Guard.url = service.url
    with ThreadingHTTPServer(("127.0.0.1", 0), Guard) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("url", "options", "environment", "code"),
    [
        ("http://{}", ["--user", "ann", "--password", "a secret"], {}, 0),
        ("http://{}", ["--token", "t0ken"], {}, 0),
        ("http://{}", [], {"KARAPACE_LIKE_USER": "ann", "KARAPACE_LIKE_PASSWORD": "a secret"}, 0),
        ("http://{}", [], {"KARAPACE_LIKE_TOKEN": "t0ken"}, 0),
        ("http://{}", [], {"KARAPACE_LIKE_TOKEN": "t0ken\r\n"}, 0),
        ("http://{}", [], {"NETRC": "netrc"}, 0),
        ("http://ann:a%20secret@{}", [], {}, 0),
        ("http://ann:wrong@{}", [], {}, 2),
        ("http://{}", [], {}, 2),
    ],
)
def test_credentials_come_from_options_environment_url_or_netrc(
    shop: Shop, guarded: str, url: str, options: list[str], environment: dict[str, str], code: int
) -> None:
    shop.write({"address.avsc": ADDRESS, ".netrc": 'machine 127.0.0.1 login ann password "a secret"\n'})
    (shop.folder / ".netrc").chmod(0o600)
    home = {"HOME": str(shop.folder if environment.pop("NETRC", None) else shop.folder / "nobody")}
    arguments = ["check", "--registry", url.format(guarded), *options]
    ended = run(*arguments, folder=shop.folder, environment={**environment, **home})
    assert ended.code == code, ended
    if code:
        assert "Who are you? (40101). Check --user, --password and --token." in ended.err
    assert "secret" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["check", "--registry", "http://127.0.0.1:9"], "No registry answers at http://127.0.0.1:9"),
        (["check", "--registry", "localhost:8081"], "expected http:// or https://"),
        (
            ["check", "--registry", "http://ann:secret@host:99999"],
            "'host:99999' is not the URL of a registry: its host or ",
        ),
        (
            ["check", "--registry", "http://ann:secret#1@host"],
            "'host' is not the URL of a registry: its host or port is malformed",
        ),
        (["check", "--registry", "http://[::1"], "Percent-encode special characters of a user or password: / as %2F"),
        (["check", "--registry", "http://127.0.0.1:9", "--user", "a:b"], "The user 'a:b' has a colon"),
        (["check", "--registry", "http://127.0.0.1:9", "--token", "secret\r\nX: y"], "Check --token."),
        (["check", "--registry", "http://127.0.0.1:9", "--token", "secret\u00e9"], "Check --token."),
        (["register"], "--registry"),
        (["apply", "--registry", "http://127.0.0.1:9"], "No registry answers at http://127.0.0.1:9"),
        (["apply", "--registry", "http://127.0.0.1:9", "--plan", "none.json"], "'none.json' does not exist"),
        (["plan", "nowhere", "--registry", "http://127.0.0.1:9"], "'nowhere' does not exist"),
    ],
)
def test_a_registry_that_cannot_be_reached_is_told_with_what_to_look_at(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    write(tmp_path, {"a.avsc": '"int"'})
    ended = run(*arguments, folder=tmp_path)
    assert ended.code == 2
    assert told in ended.err
    assert "secret" not in ended.err


@pytest.mark.parametrize("command", ["check", "register", "plan", "impact"])
def test_what_is_no_registry_is_told_and_not_taken_for_an_empty_one(shop: Shop, command: str) -> None:
    shop.write({"a.avsc": '"int"'})
    ended = run(command, "--registry", f"{shop.url}/elsewhere", folder=shop.folder)
    assert ended.code == 2
    assert "/elsewhere is not a schema registry. Check the path in --registry." in ended.err
