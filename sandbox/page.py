"""The page of all requests, and one page for each vendor: what it got, knows and sent.

Invariant: these pages only show.
"""

import json
from collections.abc import Sized

from aiohttp import web

from sandbox.emitting import Emission, State
from sandbox.exchange import Json
from sandbox.html import page
from sandbox.recorder import Record
from sandbox.vendors.base import Vendor
from sandbox.web import WORLD, bad_request
from sandbox.world import World

ROWS = 200
ROWS_OF_A_VENDOR = 50


def add_page_routes(app: web.Application) -> None:
    """Add the pages."""
    app.router.add_get("/", show_page)
    app.router.add_get("/_sandbox/page", show_page)
    app.router.add_get("/vendors/{vendor}", show_vendor)


async def show_page(request: web.Request) -> web.Response:
    """Show the newest requests; `?vendor=` shows one vendor's, `?before=` older ones."""
    world = request.app[WORLD]
    vendor, before = request.query.get("vendor", ""), request.query.get("before", "")
    if before and not (before.isascii() and before.isdecimal() and len(before) < 19):
        raise bad_request("before: must be a whole number")
    records = world.recorder.requests(vendor)
    if before:
        records = [record for record in records if record.number < int(before)]
    newest = records[::-1][:ROWS]
    return page(
        request,
        "page.html",
        here="",
        vendor=vendor,
        total=len(records),
        rows=[row(world, record) for record in newest],
        older=newest[-1].number if len(records) > len(newest) else None,
    )


async def show_vendor(request: web.Request) -> web.Response:
    """Show one vendor."""
    world, name = request.app[WORLD], request.match_info["vendor"]
    vendor = world.vendors.get(name)
    if vendor is None:
        raise web.HTTPNotFound(text="there is no such vendor")
    targets = world.emitter.targets.get(name, {})
    records = world.recorder.requests(name)
    emissions = world.emitter.emissions(name)
    return page(
        request,
        "vendor.html",
        here=name,
        vendor=name,
        total=len(records),
        rows=[row(world, record) for record in records[::-1][:ROWS_OF_A_VENDOR]],
        counts=counts(vendor),
        traps=traps(vendor) + traps_of_webhooks(world, name),
        targets={trigger: target.shown() for trigger, target in targets.items()},
        emissions=[emission_row(item) for item in emissions[::-1][:ROWS_OF_A_VENDOR]],
        emitted=len(emissions),
    )


def row(world: World, record: Record) -> dict[str, Json]:
    """Return what the template shows of a request."""
    return {
        "number": record.number,
        "time": record.at[11:19],
        "at": record.at,
        "vendor": record.vendor,
        "call": f"{record.method} {record.path}",
        "did": did(world, record),
        "status": "no answer" if record.status is None else str(record.status),
        "bad": record.status is None or record.status >= 400 or record.refusal is not None,
        "fault": record.fault,
        "parameters": json.dumps(
            {"query": record.query, "params": record.params, "headers": record.headers}, indent=2, ensure_ascii=False
        ),
    }


def did(world: World, record: Record) -> str:
    """Say in plain words what came of a request."""
    if record.effects:
        return "; ".join(world.vendors[record.vendor].describe(effect) for effect in record.effects)
    if record.refusal is not None:
        return f"Refused: {record.refusal}"
    if record.fault is not None:
        return "Nothing: the fault came first"
    return "Read only"


def emission_row(emission: Emission) -> dict[str, Json]:
    """Return what the template shows of a webhook."""
    answers = ", ".join(map(str, emission.statuses)) or emission.error or "no answer"
    tried = emission.state in (State.SENT, State.FAILED) or emission.attempts > 0
    return {
        "number": emission.number,
        "time": emission.at[11:19],
        "at": emission.at,
        "trigger": emission.trigger,
        "state": str(emission.state),
        "bad": emission.state == State.FAILED,
        "url": emission.url,
        "answers": answers if tried else "",
        "body": json.dumps(emission.body, indent=2, ensure_ascii=False),
    }


def counts(vendor: Vendor) -> list[tuple[str, str]]:
    """Return the vendor's state in short: how many of what."""
    return [
        (
            name.replace("_", " "),
            str(len(value)) if isinstance(value, Sized) and not isinstance(value, str) else str(value),
        )
        for name, value in vendor.state().items()
    ]


def traps(vendor: Vendor) -> list[tuple[str, str, bool]]:
    """Return the vendor's traps: name, value, and whether it is set."""
    usual = vendor.settings_model().model_dump(mode="json")
    return [
        (name, json.dumps(value, ensure_ascii=False), value != usual[name])
        for name, value in vendor.settings.model_dump(mode="json").items()
    ]


def traps_of_webhooks(world: World, vendor: str) -> list[tuple[str, str, bool]]:
    """Return the traps of the vendor's webhooks that are set."""
    found = world.emitter.traps_of(vendor).model_dump(mode="json", exclude_defaults=True)
    return [(f"webhooks: {name}", json.dumps(value), True) for name, value in found.items()]
