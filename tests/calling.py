"""Calls of the service as any client may make them: JSON over HTTP, by the standard library alone."""

import json
import urllib.request
from typing import Any


def call(
    url: str,
    method: str,
    path: str,
    body: object = None,
    *,
    timeout: float = 60,
    content_type: str = "application/json",
    **headers: str,
) -> Any:
    """The decoded answer; raises urllib.error.HTTPError for a refusal."""
    request = urllib.request.Request(url + path, headers=headers, method=method)
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", content_type)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        return json.loads(answer.read() or b"null")
