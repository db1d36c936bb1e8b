"""The REST proxy's HTTP API, v3: one file per resource, and the table of all routes."""

from karapace_like.web.proxy_v3 import acls, clusters, configs, groups, reading, records, topics

ROUTES = (
    *configs.ROUTES,  # before the topics', which would take `-` for a name
    *topics.ROUTES,
    *records.ROUTES,
    *reading.ROUTES,
    *clusters.ROUTES,
    *groups.ROUTES,
    *acls.ROUTES,
)
