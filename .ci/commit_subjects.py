"""What `make lint` asks of commit subjects: 72 characters at most, imperative, no full stop (CONTRIBUTING.md).

It checks the commits after the one that added this file, without merges. In a shallow clone it checks those that are
there; outside of a Git checkout there is nothing to check. Whether a subject is imperative is judged roughly, by its
first word.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
ITSELF = ".ci/commit_subjects.py"
MAX_CHARACTERS = 72

_RIDDLES = {"Let", "Say", "Tell"}
"""First words after which a subject names no component: `Let no worker wait for another`."""
_NOT_IMPERATIVE = re.compile(r"[a-z]{2,}(ed|ing)", re.IGNORECASE)
_IMPERATIVE = {"bring", "embed", "exceed", "feed", "need", "ping", "proceed", "seed", "shed", "speed", "string", "wing"}
"""Verbs that only look like participles."""


def main() -> None:
    """Print what is wrong and exit with 1 for it."""
    wrong = [
        f"{commit} {subject}\n    {problem}"
        for commit, subject in list_subjects(ROOT)
        for problem in find_problems(subject)
    ]
    if wrong:
        print("Commit subjects that CONTRIBUTING.md does not allow:", *wrong, sep="\n  ")
    sys.exit(bool(wrong))


def find_problems(subject: str) -> list[str]:
    """Everything that is wrong with a subject, a sentence each."""
    first = subject.partition(" ")[0]
    problems = []
    if len(subject) > MAX_CHARACTERS:
        problems.append(f"It has {len(subject)} characters; {MAX_CHARACTERS} are allowed.")
    if subject.endswith("."):
        problems.append("It ends with a full stop.")
    if first in _RIDDLES:
        problems.append(f"It begins with {first!r}: name what changes, such as 'Reject ...' or 'Log ...'.")
    if _NOT_IMPERATIVE.fullmatch(first) and first.lower() not in _IMPERATIVE:
        problems.append(f"It begins with {first!r}: use the imperative, such as 'Add' for 'Added' or 'Adding'.")
    return problems


def list_subjects(checkout: Path) -> list[tuple[str, str]]:
    """(short hash, subject) of each commit to check, newest first; empty where the checkout has no history."""
    added = _git(checkout, "log", "--diff-filter=A", "--format=%H", "--", ITSELF)
    if not added:
        return []
    commits = _git(checkout, "log", "--no-merges", "--format=%h %s", f"{added[-1]}..HEAD")
    return [(commit, subject) for commit, _, subject in (line.partition(" ") for line in commits)]


def _git(checkout: Path, *arguments: str) -> Sequence[str]:
    """The lines that Git prints; none where there is no Git, or no repository."""
    git = shutil.which("git")
    if git is None:
        return []
    done = subprocess.run(  # noqa: S603 - our own arguments
        [git, "-C", str(checkout), *arguments], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines() if done.returncode == 0 else []


if __name__ == "__main__":
    main()
