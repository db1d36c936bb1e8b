"""The REST proxy's HTTP API, v2: one file per resource, and the table of all routes."""

from karapace_like.web.proxy import (
    consumers,
    deliveries,
    key_lookups,
    produce,
    records,
    streams,
    topics,
    transformations,
)
from karapace_like.web.proxy.internal import check_path_names

_ROUTES = (
    *topics.ROUTES,
    *produce.ROUTES,
    *records.ROUTES,  # before those of consumers, most of whose calls are polls: aiohttp tries them in this order
    *consumers.ROUTES,
    *transformations.ROUTES,
    *deliveries.ROUTES,
    *streams.ROUTES,
    *key_lookups.ROUTES,
)
ROUTES = tuple(map(check_path_names, _ROUTES))
