"""WebSocket connections to topics: subscribe with credit, acknowledge, resume and produce."""

from karapace_like.web.proxy.internal import check_path_names
from karapace_like.web.sockets import connecting
from karapace_like.web.sockets.connecting import close_at_shutdown

__all__ = ["ROUTES", "close_at_shutdown"]

ROUTES = tuple(map(check_path_names, connecting.ROUTES))
