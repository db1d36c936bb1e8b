"""The HTTP API of request and reply: write a record and get its reply, fetch a late one, or reply to a request."""

from karapace_like.web.proxy.internal import check_path_names
from karapace_like.web.request_reply import replying, requesting

ROUTES = tuple(map(check_path_names, (*requesting.ROUTES, *replying.ROUTES)))
