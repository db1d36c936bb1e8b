"""A node that has no memory for the records of one subject, `SUBJECT`.

`python -m tests.cluster.forgetful_node serve`: the whole service, but for that.
"""

from karapace_like.cli import run
from karapace_like.registry import records
from karapace_like.registry.records import Record

SUBJECT = "too-large"

_decode = records.decode


def _decode_small(key: bytes | None, value: bytes | None) -> Record:
    if SUBJECT.encode() in (key or b""):
        raise MemoryError
    return _decode(key, value)


if __name__ == "__main__":
    records.decode = _decode_small
    run()
