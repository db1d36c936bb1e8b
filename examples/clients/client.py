"""Write a job to a topic, take it from a queue and accept it, with Python's standard library only.

    BASE=http://127.0.0.1:8082 TOPIC=jobs python client.py

BASE is the service's address, and the topic exists. The queue is the share group TOPIC-workers (docs/queues.md).
"""

import json
import os
import urllib.error
import urllib.request
from typing import Any

BASE = os.environ.get("BASE", "http://127.0.0.1:8082")
TOPIC = os.environ.get("TOPIC", "jobs")
QUEUE = f"/queues/{TOPIC}-workers"


def call(method: str, path: str, body: object, media_type: str = "application/json") -> Any:
    """Return the JSON of the response; exit with its error where it is one."""
    request = urllib.request.Request(
        BASE + path, json.dumps(body).encode(), {"Content-Type": media_type}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            text = response.read()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from error
    return json.loads(text) if text else None


def main() -> None:
    """Write a job, and work until there is none left."""
    call("PUT", f"{QUEUE}/config", {"start": "earliest"})
    job = {"records": [{"key": "north", "value": {"floor": 3}}], "key_format": "string"}
    call("POST", f"/topics/{TOPIC}?strict=true", job, "application/vnd.kafka.json.v2+json")
    wanted = {"topics": [TOPIC], "max_records": 10, "wait_ms": 30_000}
    while records := call("POST", f"{QUEUE}/receive", wanted)["records"]:
        for record in records:
            print("working on", json.dumps(record["value"], separators=(",", ":")))
        accepted = [{"receipt": record["receipt"], "outcome": "accept"} for record in records]
        for result in call("POST", f"{QUEUE}/acknowledge", accepted):
            if result["error_code"] is not None:  # it comes again
                print("not accepted:", result["message"])
        wanted["wait_ms"] = 0


if __name__ == "__main__":
    main()
