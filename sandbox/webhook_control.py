"""The control API of the outgoing side: targets, traps and what was sent.

Invariant: no secret of a target can be read back.
"""

from aiohttp import web
from pydantic import TypeAdapter

from sandbox.control import json_body, valid, vendor_of, whole_number
from sandbox.targets import TARGETS, Traps, check_targets
from sandbox.web import WORLD, bad_request

_TRAPS = TypeAdapter(Traps)
_LONGEST_SETTLE_SECONDS = 60


def add_webhook_routes(app: web.Application) -> None:
    """Add the control API of the webhooks."""
    router = app.router
    router.add_get("/_sandbox/emissions", show_emissions)
    router.add_get("/_sandbox/webhooks/{vendor}", show_targets)
    router.add_put("/_sandbox/webhooks/{vendor}", put_targets)
    router.add_get("/_sandbox/webhooks/{vendor}/traps", show_traps)
    router.add_put("/_sandbox/webhooks/{vendor}/traps", put_traps)


async def show_emissions(request: web.Request) -> web.Response:
    """List what was sent.

    `?settle=<seconds>` first waits until nothing is on its way; `?pending=1` lists only what still is; `vendor`,
    `trigger`, `state` and `since` choose.
    """
    emitter, query = request.app[WORLD].emitter, request.query
    settle = whole_number(query.get("settle", "0"), "settle")
    if settle:
        await emitter.settle(min(settle, _LONGEST_SETTLE_SECONDS))
    state = "waiting" if query.get("pending", "0") != "0" else query.get("state", "")
    since = whole_number(query.get("since", "0"), "since")
    found = emitter.emissions(query.get("vendor", ""), query.get("trigger", ""), state, since)
    return web.json_response([emission.shown() for emission in found])


async def show_targets(request: web.Request) -> web.Response:
    """Show where a vendor's webhooks go."""
    targets = request.app[WORLD].emitter.targets.get(vendor_of(request).name, {})
    return web.json_response({trigger: target.shown() for trigger, target in targets.items()})


async def put_targets(request: web.Request) -> web.Response:
    """Replace all targets of a vendor."""
    vendor, world = vendor_of(request), request.app[WORLD]
    targets = valid(TARGETS, await json_body(request))
    try:
        check_targets(vendor.name, targets, vendor.triggers, allow_remote=world.options.allow_remote)
    except ValueError as error:
        raise bad_request(str(error)) from None
    world.emitter.targets[vendor.name] = targets
    return await show_targets(request)


async def show_traps(request: web.Request) -> web.Response:
    """Show what goes wrong with a vendor's webhooks."""
    return web.json_response(request.app[WORLD].emitter.traps_of(vendor_of(request).name).model_dump(mode="json"))


async def put_traps(request: web.Request) -> web.Response:
    """Change the traps that are named; the others stay."""
    vendor, emitter = vendor_of(request), request.app[WORLD].emitter
    changes = await json_body(request)
    if not isinstance(changes, dict):
        raise bad_request("the body must be a JSON object")
    emitter.traps[vendor.name] = valid(_TRAPS, {**emitter.traps_of(vendor.name).model_dump(), **changes})
    return await show_traps(request)
