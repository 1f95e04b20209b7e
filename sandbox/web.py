"""What the HTTP sides share: where the world is kept, and errors as JSON.

Invariant: an error of the server itself leaves as `{"error": ...}`, without any detail of the program.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from sandbox.world import World

WORLD = web.AppKey("world", World)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn the server's own errors into JSON."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return web.json_response({"error": error.text or error.reason}, status=error.status, headers=headers)


def bad_request(message: str) -> web.HTTPBadRequest:
    """Return a 400 that says what is wrong."""
    return web.HTTPBadRequest(text=message)
