"""WebSocket connections to topics: subscribe with credit, acknowledge, resume and produce."""

from karapace_like.web.proxy.internal import check_path_names
from karapace_like.web.sockets import connecting

ROUTES = tuple(map(check_path_names, connecting.ROUTES))
