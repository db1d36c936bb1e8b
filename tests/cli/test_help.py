"""What somebody sees who has never run the commands: help with examples, the next step after a mistake, completion."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from karapace_like.cli import main
from tests.command_line import run, write

COMMANDS = main.list_commands(click.Context(main))
_PROGRAM = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m karapace_like "$@"\n'

OFFLINE = ("check", "lint", "diff")
ON_FILES = (*OFFLINE, "impact", "pull", "register", "plan", "apply")
EVERYDAY = ("subjects", "versions", "show", "find", "delete", "level", "mode")


def list_leaves(command: click.Command, path: tuple[str, ...] = ()) -> dict[str, click.Command]:
    """Return every command that does something, by its words."""
    if not isinstance(command, click.Group):
        return {" ".join(path): command}
    context = click.Context(command)
    subcommands = {name: command.get_command(context, name) for name in command.list_commands(context)}
    return {
        words: leaf
        for name, sub in subcommands.items()
        if sub
        for words, leaf in list_leaves(sub, (*path, name)).items()
    }


def test_every_command_that_reports_something_does_it_as_text_json_or_yaml() -> None:
    """The others run until a signal ends them, or print a file for another program."""
    forms = {
        words: [option for option in command.params if "--format" in option.opts]
        for words, command in list_leaves(main).items()
    }
    assert {words for words, options in forms.items() if not options} == {"serve", "kafka", "passwd", "completion"}
    for words, (option,) in ((words, options) for words, options in forms.items() if options):
        if words == "config convert":
            assert getattr(option.type, "choices", ()) == ("json", "env")
        elif isinstance(option.type, click.Choice):
            assert list(option.type.choices) == ["text", "json", "yaml"], words
        else:
            assert option.multiple, words  # each report may go to a file: `test_report_forms.py`


@pytest.mark.parametrize("command", list_leaves(main))
def test_help_says_what_the_exit_codes_mean_and_gives_examples(tmp_path: Path, command: str) -> None:
    ended = run(*command.split(), "--help", folder=tmp_path)
    assert ended.code == 0
    codes, _, examples = " ".join(ended.out.split()).partition(" Examples: ")
    assert "Exit codes: 0 " in codes
    assert f"karapace-like {command}" in examples


def test_the_list_of_commands_says_what_each_is_for(tmp_path: Path) -> None:
    ended = run("--help", folder=tmp_path)
    assert ended.code == 0
    for command in (*ON_FILES, *EVERYDAY, "serve", "kafka", "completion"):
        assert f"\n  {command} " in ended.out


@pytest.mark.parametrize(("typed", "meant"), [("chek", "check"), ("regsiter", "register"), ("lnit", "lint")])
def test_a_mistyped_command_is_answered_with_the_one_that_is_like_it(tmp_path: Path, typed: str, meant: str) -> None:
    ended = run(typed, folder=tmp_path)
    assert ended.code == 2
    assert f"No such command '{typed}'. Did you mean '{meant}'?" in ended.err


@pytest.mark.parametrize("command", OFFLINE)
def test_commands_on_files_start_without_servers_and_clients(tmp_path: Path, command: str) -> None:
    """What is imported is what a pre-commit hook waits for."""
    write(tmp_path, {"a.avsc": '"int"'})
    arguments = {"check": ["--against", "."], "lint": [], "diff": ["a.avsc", "a.avsc"]}[command]
    slow = {"aiohttp", "aiokafka", "confluent_kafka", "google.protobuf", "jsonschema_rs", "fastavro", "tarfile"}
    program = f"""
import sys
from karapace_like.cli import main

try:
    main({[command, *arguments]!r})
finally:
    print(sorted({slow!r} & sys.modules.keys()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("shell", "part"),
    [("bash", "complete -o nosort -F"), ("zsh", "#compdef karapace-like"), ("fish", "complete --no-files")],
)
def test_completion_is_printed_for_each_shell(tmp_path: Path, shell: str, part: str) -> None:
    ended = run("completion", shell, folder=tmp_path)
    assert ended.code == 0
    assert part in ended.out
    assert "_KARAPACE_LIKE_COMPLETE" in ended.out


def test_a_shell_that_is_not_known_is_told_which_are(tmp_path: Path) -> None:
    ended = run("completion", "tcsh", folder=tmp_path)
    assert ended.code == 2
    assert "'bash', 'zsh', 'fish'" in ended.err


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("karapace-like ch", "plain,check"),
        ("karapace-like check --ag", "plain,--against"),
        ("karapace-like check --level F", "plain,forward"),
    ],
)
def test_what_the_shells_ask_is_answered(tmp_path: Path, words: str, completed: str) -> None:
    environment = {
        "_KARAPACE_LIKE_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    ended = run(folder=tmp_path, environment=environment)
    assert completed in ended.out.splitlines()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_a_manual_page(tmp_path: Path, command: str) -> None:
    """Synopsis, description, exit codes, options that each say what they do, and examples that can be parsed."""
    ended = run(command, "-h", folder=tmp_path)
    assert ended.code == 0
    assert ended.out.startswith(f"Usage: karapace-like {command} [OPTIONS]")
    assert "\n  Exit codes: 0 " in ended.out
    assert max(map(len, ended.out.splitlines())) <= 100
    found = main.get_command(click.Context(main), command)
    assert found is not None
    assert [each.name for each in found.params if isinstance(each, click.Option) and not each.help] == []
    examples = ended.out.partition("  Examples:\n")[2].splitlines()
    assert examples
    for example in examples:
        _, _, typed = example.rpartition(f"karapace-like {command}")
        arguments = shlex.split(typed.partition(" > ")[0])
        known = {name for each in found.params for name in each.opts}
        assert {each for each in arguments if each.startswith("--")} <= known, example


@pytest.mark.parametrize(
    "command", ["apply", "check", "diff", "export", "impact", "import", "plan", "pull", "register", "verify", *EVERYDAY]
)
def test_help_names_the_environment(tmp_path: Path, command: str) -> None:
    words = " ".join(run(command, "--help", folder=tmp_path).out.split())
    for name in ("REGISTRY", "USER", "PASSWORD", "TOKEN"):
        assert re.search(rf"env var: KARAPACE_LIKE_{name}\b", words)


@pytest.mark.slow
def test_bash_completes_with_the_script_alone(tmp_path: Path) -> None:
    """As where a user has put it: sourced by a shell that finds `karapace-like` in its path."""
    write(tmp_path, {"completion.bash": run("completion", "bash").out, "bin/karapace-like": _PROGRAM})
    (tmp_path / "bin" / "karapace-like").chmod(0o755)
    script = """
    source completion.bash
    COMP_WORDS=(karapace-like "$@") COMP_CWORD=$#
    "$(complete -p karapace-like | sed 's/.* -F \\([^ ]*\\) .*/\\1/')" karapace-like
    printf '%s\\n' "${COMPREPLY[@]}"
    """
    for words, completed in (
        (["reg"], ["register"]),
        (["check", "--ag"], ["--against"]),
        (["lint", "--format", ""], []),
        (["check", "--level", "full"], ["full", "full_transitive"]),
    ):
        done = subprocess.run(
            ["bash", "--norc", "-c", script, "bash", *words],
            cwd=tmp_path,
            env={"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout.split(), done.stderr) == (completed, "")
