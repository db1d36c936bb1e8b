"""What the service says of itself."""

from aiohttp import web

from karapace_like.web.answers import registry_answer
from karapace_like.web.json_schemas import fields
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.routing import Call, Route


async def root(request: web.Request) -> web.Response:
    """GET and POST /: an empty object, by which clients see that somebody is there."""
    return registry_answer(request, {})


_HELLO = Call(answer=fields())
ROUTES = (Route("GET", "/", root, _HELLO, AUTHENTICATED), Route("POST", "/", root, _HELLO, AUTHENTICATED))
