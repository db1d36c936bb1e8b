"""The HTTP examples of a page: pairs of fenced blocks, a request and its response.

A request is an `http` block, whose first line is `METHOD /path`, or a `bash` block with one curl command. A response is
an `http` block, whose first line is `HTTP/1.1 STATUS`. Headers, an empty line and a JSON body may follow; a response
without a body may have any.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

PAGES = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(r"^```(?:http\n|bash\n(?=curl ))(.*?)^```$", re.MULTILINE | re.DOTALL)


class Example(NamedTuple):
    """A request, and how it is answered."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer: Any
    """None: the page does not say."""


def examples(page: str) -> Iterator[Example]:
    """The examples of a page of docs/, in order."""
    blocks = [match[1] for match in _BLOCK.finditer((PAGES / page).read_text())]
    for request, answer in zip(blocks[::2], blocks[1::2], strict=True):
        (method, path), headers, body = _parts_of_curl(request) if request.startswith("curl ") else _parts(request)
        (_, status), _, answered = _parts(answer)
        expected = msgspec.json.decode(answered) if answered else None
        yield Example(method, path, headers, body.encode(), int(status), expected)


def _parts(block: str) -> tuple[tuple[str, str], dict[str, str], str]:
    """((first word, second word), headers, body)."""
    head, _, body = block.partition("\n\n")
    first, *lines = head.splitlines()
    method, path = first.split()
    headers = dict(line.split(": ", 1) for line in lines)
    return (method, path), headers, body.strip()


def _parts_of_curl(command: str) -> tuple[tuple[str, str], dict[str, str], str]:
    """The same of a curl command with the options -X, -H and -d."""
    method, url, headers, body = "GET", "", {}, ""
    words = iter(shlex.split(command.replace("\\\n", " "))[1:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, value = next(words).split(": ", 1)
            headers[name] = value
        elif word == "-d":
            body = next(words)
        else:
            url = word
    return (method, "/" + url.split("/", 3)[3]), headers, body
