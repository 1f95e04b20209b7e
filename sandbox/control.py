"""The control API under `/_sandbox`: look at what happened, set faults and traps, change the vendors' state.

Invariant: it is no part of any vendor: nothing here is recorded and no fault hits it.
"""

from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from sandbox.exchange import Call, Json
from sandbox.faults import Fault
from sandbox.intake import load_json
from sandbox.targets import sentence
from sandbox.vendors.base import Vendor
from sandbox.web import WORLD, bad_request

_FAULTS = TypeAdapter(list[Fault])
Parsed = TypeVar("Parsed")


def add_control_routes(app: web.Application) -> None:
    """Add the control API."""
    router = app.router
    router.add_get("/_sandbox", show_sandbox)
    router.add_get("/_sandbox/requests", show_requests)
    router.add_delete("/_sandbox/requests", clear_requests)
    router.add_get("/_sandbox/effects", show_effects)
    router.add_get("/_sandbox/faults", show_faults)
    router.add_put("/_sandbox/faults", put_faults)
    router.add_post("/_sandbox/faults", post_fault)
    router.add_delete("/_sandbox/faults", delete_faults)
    router.add_get("/_sandbox/settings/{vendor}", show_settings)
    router.add_put("/_sandbox/settings/{vendor}", put_settings)
    router.add_get("/_sandbox/state/{vendor}", show_state)
    router.add_route("*", "/_sandbox/state/{vendor}/{path:.+}", change_state)
    router.add_post("/_sandbox/reset", reset)


async def show_sandbox(request: web.Request) -> web.Response:
    """Say that this is a sandbox, for readiness."""
    world = request.app[WORLD]
    return web.json_response({"sandbox": True, "vendors": list(world.vendors), "requests": world.recorder.count})


async def show_requests(request: web.Request) -> web.Response:
    """List what the vendors received."""
    query = request.query
    since = whole_number(query.get("since", "0"), "since")
    records = request.app[WORLD].recorder.requests(query.get("vendor", ""), query.get("path", ""), since)
    return web.json_response([record.shown() for record in records])


async def clear_requests(request: web.Request) -> web.Response:
    """Forget requests and effects."""
    request.app[WORLD].recorder.clear()
    return web.json_response({"cleared": True})


async def show_effects(request: web.Request) -> web.Response:
    """List what the vendors really did."""
    query = request.query
    return web.json_response(request.app[WORLD].recorder.effects(query.get("vendor", ""), query.get("kind", "")))


async def show_faults(request: web.Request) -> web.Response:
    """List the faults in force with their counts."""
    return web.json_response([armed.shown() for armed in request.app[WORLD].faults.armed])


async def put_faults(request: web.Request) -> web.Response:
    """Replace all faults."""
    faults = valid(_FAULTS, await json_body(request))
    _check_vendors(request, faults)
    request.app[WORLD].faults.replace(faults)
    return await show_faults(request)


async def post_fault(request: web.Request) -> web.Response:
    """Add one fault."""
    fault = valid(TypeAdapter(Fault), await json_body(request))
    _check_vendors(request, [fault])
    request.app[WORLD].faults.add(fault)
    return await show_faults(request)


async def delete_faults(request: web.Request) -> web.Response:
    """Remove all faults."""
    request.app[WORLD].faults.replace([])
    return await show_faults(request)


async def show_settings(request: web.Request) -> web.Response:
    """Show the traps of a vendor."""
    return web.json_response(vendor_of(request).settings.model_dump(mode="json"))


async def put_settings(request: web.Request) -> web.Response:
    """Change the traps that are named; the others stay."""
    vendor = vendor_of(request)
    changes = await json_body(request)
    if not isinstance(changes, dict):
        raise bad_request("the body must be a JSON object")
    try:
        vendor.change_settings(changes)
    except ValidationError as error:
        raise bad_request(sentence(error)) from None
    return await show_settings(request)


async def show_state(request: web.Request) -> web.Response:
    """Show everything a vendor knows."""
    return web.json_response(vendor_of(request).state())


async def change_state(request: web.Request) -> web.Response:
    """Change a vendor's state as if something had happened there."""
    vendor = vendor_of(request)
    call = Call(request.method, "/" + request.match_info["path"], dict(request.query))
    if request.can_read_body:
        body = await json_body(request)
        if not isinstance(body, dict):
            raise bad_request("the body must be a JSON object")
        call = replace(call, body_kind="json", params=body)
    answer = vendor.control(call)
    if answer is None:
        raise web.HTTPNotFound(text=f"{vendor.name} has no such state")
    return web.json_response(answer.body, status=answer.status)


async def reset(request: web.Request) -> web.Response:
    """Put everything back to the seed."""
    request.app[WORLD].reset()
    return web.json_response({"reset": True})


def vendor_of(request: web.Request) -> Vendor:
    """Return the vendor of the path."""
    vendor = request.app[WORLD].vendors.get(request.match_info["vendor"])
    if vendor is None:
        raise web.HTTPNotFound(text=f"vendor: there is no {request.match_info['vendor']!r}")
    return vendor


def _check_vendors(request: web.Request, faults: list[Fault]) -> None:
    for fault in faults:
        if fault.vendor != "*" and fault.vendor not in request.app[WORLD].vendors:
            raise bad_request(f"vendor: there is no {fault.vendor!r}")


async def json_body(request: web.Request) -> Json:
    """Return the body as JSON."""
    try:
        return load_json(await request.read())
    except ValueError:
        raise bad_request("the body is not valid JSON") from None


def valid(adapter: TypeAdapter[Parsed], value: Any) -> Parsed:
    """Return the value as the model has it, or answer 400."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise bad_request(sentence(error)) from None


def whole_number(text: str, name: str) -> int:
    """Read a number of the query, or answer 400."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise bad_request(f"{name}: must be a whole number")
    return int(text)
