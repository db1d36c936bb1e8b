"""The service's root, `/`."""

from aiohttp import web

from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.console.settings import CONSOLE
from karapace_like.web.http import media_types
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import fields
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.http.static_files import redirect
from karapace_like.web.routing import Call, Route

_HTML = "text/html"
_JAVA_DEFAULT = "image/gif"
"""A part of the Accept header that Java's URLConnection sends by default, beside text/html. Browsers do not send it."""


async def root(request: web.Request) -> web.Response:
    """GET and POST /: Return an empty object, which shows clients that the service runs; lead browsers to a page.

    The page is the console, or the documentation where there is none.
    """
    if request.method != "POST" and _prefers_page(request.headers.get("Accept", "")):
        return redirect("console" if CONSOLE in request.app else "docs")
    return respond_as_registry(request, {})


def _prefers_page(accept: str) -> bool:
    return (
        _JAVA_DEFAULT not in accept
        and _HTML in accept.lower()
        and media_types.negotiate(accept, (*media_types.REGISTRY_OFFER, _HTML)) == _HTML
    )


_HELLO = Call(response=fields())
ROUTES = (
    Route("GET", "/", root, ApiRole.OPERATIONS, _HELLO, AUTHENTICATED),
    Route("POST", "/", root, ApiRole.OPERATIONS, _HELLO, AUTHENTICATED),
)
