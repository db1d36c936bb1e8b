"""The REST proxy's HTTP API, v3: one file per resource, and the table of all routes."""

from karapace_like.web.proxy.internal import check_path_names
from karapace_like.web.proxy_v3 import (
    acls,
    clusters,
    configs,
    groups,
    partitions,
    reading,
    reassignments,
    records,
    replica_sizes,
    topics,
)

_ROUTES = (
    *configs.ROUTES,  # before the topics', which would take `-` for a name
    *topics.ROUTES,
    *replica_sizes.ROUTES,
    *reassignments.ROUTES,  # before the partitions', which would take `-` for a number
    *partitions.ROUTES,
    *records.ROUTES,
    *reading.ROUTES,
    *clusters.ROUTES,
    *groups.ROUTES,
    *acls.ROUTES,
)
ROUTES = tuple(map(check_path_names, _ROUTES))
