"""`karapace-like config` checks, shows and lists settings; `serve` without a free port says what to type."""

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest

from karapace_like.config import describe_settings
from tests.command_line import Outcome, run, started, write


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KARAPACE_HOST", "KARAPACE_PORT", "KARAPACE_BOOTSTRAP_URI"):
        monkeypatch.delenv(name, raising=False)


def check(folder: Path, settings: object, **environment: str) -> Outcome:
    write(folder, {"karapace.config.json": json.dumps(settings)})
    return run("config", "check", "karapace.config.json", folder=folder, environment=environment)


def test_a_valid_configuration_is_told_with_its_risks(tmp_path: Path) -> None:
    ended = check(tmp_path, {"host": "0.0.0.0", "prot": 1})
    assert (ended.code, ended.out) == (0, "The configuration is valid: 1 settings are set.\n")
    unknown, exposed = ended.err.splitlines()
    assert unknown == "Warning: prot in karapace.config.json is not a setting; did you mean port?"
    assert exposed.startswith("Warning: Every client that reaches 0.0.0.0:8081 may read and change everything")


def test_settings_are_checked_shown_and_listed_as_values(tmp_path: Path) -> None:
    ended = run("config", "check", "karapace.config.json", "--format", "json", folder=tmp_path)
    assert ended.code == 2
    write(tmp_path, {"karapace.config.json": '{"host": "localhost", "prot": 1}'})
    ended = run("config", "check", "karapace.config.json", "--format", "json", folder=tmp_path)
    unknown = "prot in karapace.config.json is not a setting; did you mean port?"
    assert (ended.code, ended.err) == (0, "")
    assert ended.json() == {"errors": [], "warnings": [unknown], "settings": 1}
    write(tmp_path, {"karapace.config.json": '{"port": 70000}'})
    ended = run("config", "check", "karapace.config.json", "--format", "json", folder=tmp_path)
    assert (ended.code, ended.err) == (2, "")
    assert ended.json()["errors"] == ["port=70000 in karapace.config.json is not a number from 0 to 65535."]
    write(tmp_path, {"karapace.config.json": '{"host": "localhost"}'})
    shown = run("config", "show", "karapace.config.json", "--changed", "--format", "yaml", folder=tmp_path)
    assert shown == (0, "host:\n  value: localhost\n  origin: from host in karapace.config.json\n", "")
    listed = run("config", "list", "bootstrap_uri", "--format", "json", folder=tmp_path).json()
    assert "bootstrap_uri" in [setting["name"] for setting in listed]


def test_every_error_is_told_at_once(tmp_path: Path) -> None:
    ended = check(
        tmp_path,
        {"port": 70000, "server_tls_certfile": "/none.pem", "ssl_cafile": "karapace.config.json"},
        KARAPACE_LOG_FORMAT="%(nothing)s",
    )
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "Error: port=70000 in karapace.config.json is not a number from 0 to 65535.",
        (
            "Error: KARAPACE_LOG_FORMAT='%(nothing)s' is not json or a format of Python's logging such as "
            "'%(asctime)s %(message)s': Formatting field not found in record: 'nothing'."
        ),
        (
            "Error: server_tls_certfile='/none.pem' cannot be read: No such file or directory. (Set by "
            "server_tls_certfile in karapace.config.json.)"
        ),
        (
            "Error: ssl_cafile='karapace.config.json' holds no certificate in PEM form. (Set by ssl_cafile in "
            "karapace.config.json.)"
        ),
    ]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two self-signed certificates with keys, one of the keys also encrypted, and an authfile without its end."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("a", "b"):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        command += ["-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    encrypt = ["openssl", "ec", "-in", "a.key", "-aes256", "-passout", "pass:horse", "-out", "encrypted.key"]
    subprocess.run(encrypt, cwd=folder, check=True, capture_output=True)
    write(folder, {"authfile.json": "{", "junk.pem": "junk"})
    return folder


KEY, PASSWORD, CA = "server_tls_keyfile", "server_tls_password", "server_tls_cafile"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({KEY: "a.key"}, ""),
        ({KEY: "encrypted.key", PASSWORD: "horse"}, ""),
        ({KEY: "b.key"}, f"{KEY}='b.key' is not the private key of server_tls_certfile='a.pem'."),
        ({KEY: "encrypted.key"}, f"{KEY}='encrypted.key' is encrypted: set {PASSWORD}."),
        (
            {KEY: "encrypted.key", PASSWORD: "mule"},
            f"'encrypted.key' is encrypted, and {PASSWORD} does not decrypt it.",
        ),
        ({KEY: "junk.pem"}, f"{KEY}='junk.pem' holds no private key in PEM form."),
        (
            {},
            f"server_tls_certfile='a.pem' holds no private key in PEM form; set {KEY} if the private key is in another",
        ),
        ({"server_tls_certfile": "junk.pem"}, "server_tls_certfile='junk.pem' holds no certificate in PEM form."),
        ({KEY: "a.key", CA: "."}, f"{CA}='.' cannot be read: Is a directory."),
        (
            {KEY: "a.key", "registry_authfile": "authfile.json"},
            "registry_authfile='authfile.json' is not an authfile: ",
        ),
    ],
)
def test_a_file_of_tls_is_named(tls: Path, settings: dict[str, str], told: str) -> None:
    ended = check(tls, {"server_tls_certfile": "a.pem", **settings})
    assert ended.code == (2 if told else 0)
    assert told in ended.err
    assert "mule" not in ended.err


def test_show_has_values_and_sources_without_secrets(tmp_path: Path) -> None:
    write(tmp_path, {"c.json": '{"port": 1, "topic_name": "t", "registry_password": "correct horse"}'})
    ended = run("config", "show", "c.json", "--changed", folder=tmp_path, environment={"KARAPACE_PORT": "2"})
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "port = 2  (from KARAPACE_PORT)",
        "topic_name = t  (from topic_name in c.json)",
        "registry_password = ***  (from registry_password in c.json)",
    ]
    everything = run("config", "show", "c.json", folder=tmp_path).out.splitlines()
    assert [line.split(" = ")[0] for line in everything] == [setting.name for setting in describe_settings()]
    assert "workers = 1  (default)" in everything


def test_list_has_every_setting_and_finds_a_part() -> None:
    listed = run("config", "list").out
    assert re.findall(r"^  (\w+): ", listed, re.MULTILINE) == [setting.name for setting in describe_settings()]
    assert "](" not in listed
    assert "  workers: a number from 1 to 64\n" in run("config", "list", "workers").out
    assert run("config", "list", "nothing").err == "Error: No setting's name holds 'nothing'.\n"


def test_no_arguments_are_a_request_for_help() -> None:
    ended = run()
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == run("--help").out


def test_a_port_in_use_is_found_before_kafka_is_started(tmp_path: Path) -> None:
    """With the option to type; nothing else is printed, and no data folder is made."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = started("serve", "--dev", "--data", tmp_path / "data", "--port", port)
        _, told = process.communicate()
    assert process.returncode == 1
    assert told.startswith(
        f"Error: http://127.0.0.1:{port} cannot be listened on: another program uses port {port}. Stop it, or choose "
        "another port with --port, such as --port "
    )
    assert len(told.splitlines()) == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("host", "told"), [("203.0.113.1", "203.0.113.1 is not an address of this machine. Choose one with --host")]
)
def test_an_address_of_another_machine_is_told(host: str, told: str) -> None:
    ended = run("serve", "--host", host, "--port", "0")
    assert ended.code == 1
    assert told in ended.err
