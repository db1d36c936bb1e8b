"""Short texts that are equal where two JSON values are equal, numbers by their digits and keys in any order.

Values that share parts, as nested combinations do, are not printed again and again for it.
"""

from hashlib import blake2b

from karapace_like.schema.json_schema.json_text import JsonObject, JsonValue, write

_LONGEST = 64
"""Characters; a longer text is replaced by its hash."""


class Digests:
    """Digests of the values of one schema text, each computed once."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, value: JsonValue) -> str:
        """Return the digest of a value that lives as long as this object."""
        if not isinstance(value, dict | list):
            return write(value)
        if id(value) not in self._known:
            self._known[id(value)] = self.fresh(value)
        return self._known[id(value)]

    def fresh(self, value: JsonObject | list[JsonValue]) -> str:
        """Return the digest of a value that may be gone soon; its parts live on."""
        if isinstance(value, dict):
            text = "{" + ",".join([f"{write(key)}:{self.of(value[key])}" for key in sorted(value)]) + "}"
        else:
            text = "[" + ",".join([self.of(item) for item in value]) + "]"
        return text if len(text) <= _LONGEST else "#" + blake2b(text.encode(), digest_size=16).hexdigest()
