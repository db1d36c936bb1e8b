"""The HTTP API of queues: share groups, whose records are received and acknowledged without consumer instances."""

from karapace_like.web.proxy.internal import check_path_names
from karapace_like.web.queues import acknowledging, management, receiving

ROUTES = tuple(map(check_path_names, (*receiving.ROUTES, *acknowledging.ROUTES, *management.ROUTES)))
