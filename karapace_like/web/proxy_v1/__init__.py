"""The REST proxy's HTTP API, v1, for the clients of its day: a translation of v2, beside the calls that v2 dropped."""

from karapace_like.web.proxy.internal import check_path_names
from karapace_like.web.proxy_v1 import reading
from karapace_like.web.proxy_v1.translation import translate_routes

__all__ = ["ROUTES", "translate_routes"]

ROUTES = tuple(map(check_path_names, reading.ROUTES))
"""The calls of v1 whose paths v2 does not have."""
