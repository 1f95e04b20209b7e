"""What the HTTP sides share: where the world is kept, and errors as JSON.

Invariant: an error of the server itself leaves as `{"error": ...}`, without any detail of the program.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.world import World

WORLD = web.AppKey("world", World)

_READING = ("GET", "HEAD")
_GUARDED = ("/_sandbox", "/phones")


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn the server's own errors into JSON."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return web.json_response({"error": error.text or error.reason}, status=error.status, headers=headers)


@web.middleware
async def same_site_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse changes that another site's page asks a browser for; the vendors' own APIs are open to all."""
    if request.method not in _READING and request.path.startswith(_GUARDED) and not _is_own(request):
        raise web.HTTPForbidden(text="another site may not change the sandbox")
    return await handler(request)


def _is_own(request: web.Request) -> bool:
    """Return whether a request comes from our own pages, or from no browser at all."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or origin == f"{request.scheme}://{request.host}"


def bad_request(message: str) -> web.HTTPBadRequest:
    """Return a 400 that says what is wrong."""
    return web.HTTPBadRequest(text=message)
