"""The REST proxy's HTTP API, v2: one file per resource, and the table of all routes."""

from karapace_like.web.proxy import consumers, produce, records, streams, topics

ROUTES = (*topics.ROUTES, *produce.ROUTES, *consumers.ROUTES, *records.ROUTES, *streams.ROUTES)
