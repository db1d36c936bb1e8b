"""What web pages of other origins may do (CORS), as settings and handlers see it; `cors.py` tells browsers."""

from dataclasses import dataclass

from karapace_like.web.http import media_types

ANY = "*"
_WITHOUT_PREFLIGHT = frozenset({"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
"""Content types of a POST that browsers send for any page without asking first; empty: no such header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CorsPolicy:
    """What pages of other origins may do."""

    origins: frozenset[str]
    """Such as `https://app.example.org`, in lower case; ANY for all."""
    methods: tuple[str, ...]
    headers: tuple[str, ...]
    """Headers of requests that pages may set."""
    allows_credentials: bool = False
    """Whether browsers may add cookies, client certificates and cached passwords."""

    @property
    def is_open(self) -> bool:
        """Whether pages of every origin are allowed."""
        return ANY in self.origins

    def admits(self, origin: str) -> bool:
        """Return whether pages of this origin may read."""
        return self.is_open or origin.lower() in self.origins

    def admits_change(self, origin: str, method: str, content_type: str) -> bool:
        """Return whether a page of this origin may send a request that changes something; the type is its body's.

        Browsers send some POSTs without a preflight, with the user's cached credentials; where those are not allowed,
        such a POST is not either.
        """
        if not self.admits(origin) or method not in self.methods:
            return False
        if self.allows_credentials or method != "POST":
            return True
        return media_types.essence(content_type) not in _WITHOUT_PREFLIGHT
