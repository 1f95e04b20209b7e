"""Serves the faked vendors over HTTP, with the control API and the page beside them.

Invariant: whatever a client sends, the answer is a vendor's or the control API's own; never a stack trace.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Sequence

from aiohttp import web

from sandbox.control import add_control_routes
from sandbox.exchange import Call
from sandbox.intake import Body, read_body
from sandbox.mishaps import answer_with_fault, deliver
from sandbox.page import add_page_routes
from sandbox.vendors.base import Vendor
from sandbox.vendors.registry import VENDORS
from sandbox.web import WORLD, errors_as_json
from sandbox.world import Options, World

MAX_BODY_BYTES = 2 * 1024 * 1024
CREDENTIAL_VARIABLES = {
    "scalev": "SANDBOX_SCALEV_KEY",
    "wabotick": "SANDBOX_WABOTICK_TOKEN",
    "proton": "SANDBOX_PROTON_KEY",
}
_SHUTDOWN_SECONDS = 0.2  # hanging requests are waiting on purpose, so nothing is worth waiting for


async def handle_vendor(request: web.Request) -> web.StreamResponse:
    """Answer a request to the vendor its path begins with."""
    world = request.app[WORLD]
    vendor = world.vendors[request.match_info["vendor"]]
    call = await read_call(request, vendor)
    fault = world.faults.strike(vendor.name, call.method, (request.path, call.path))
    record = world.recorder.received(vendor.name, request.path, call, fault.label if fault else None)
    answer = await answer_with_fault(vendor, call, fault, (world.recorder, record))
    lost = fault is not None and (fault.hang or fault.reset)
    record.status = None if lost else answer.status
    return await deliver(request, answer, fault)


async def read_call(request: web.Request, vendor: Vendor) -> Call:
    """Read a request whole; a body that cannot be read becomes the call's problem, for the vendor to refuse."""
    try:
        body = read_body(await request.read(), request.headers.get("Content-Type", ""))
    except web.HTTPRequestEntityTooLarge:
        body = Body("other", problem="the body is too large")
    path = request.rel_url.raw_path
    return Call(
        method=request.method,
        path=path.removeprefix(vendor.mount) if path.startswith(vendor.mount + "/") else path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body_kind=body.kind,
        params=body.params,
        problem=body.problem,
    )


def make_app(options: Options) -> web.Application:
    """Build the aiohttp application."""
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[errors_as_json])
    app[WORLD] = World(options)
    add_page_routes(app)
    add_control_routes(app)
    names = "|".join(vendor.name for vendor in VENDORS)
    app.router.add_route("*", f"/{{vendor:{names}}}{{path:(/.*)?}}", handle_vendor)
    return app


async def serve(host: str, port: int, options: Options) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        OSError: the address cannot be listened on.
    """
    runner = web.AppRunner(
        make_app(options), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS, auto_decompress=False
    )
    await runner.setup()
    stop = asyncio.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends it as a KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(signal_number, stop.set)
    try:
        await web.TCPSite(runner, host, port, backlog=1024).start()
        name, number = runner.addresses[0][:2]
        sys.stdout.write(f"sandbox listening on http://{f'[{name}]' if ':' in name else name}:{number}\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def run(host: str, port: int, seed: int) -> None:
    """Run the sandbox in this process until a signal ends it; credentials come from the environment."""
    credentials = {vendor: os.environ.get(variable, "") for vendor, variable in CREDENTIAL_VARIABLES.items()}
    options = Options(seed=seed, credentials={vendor: key for vendor, key in credentials.items() if key})
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(host, port, options))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox from the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Fakes Scalev, Wabotick and Proton over HTTP, with fault injection.",
        epilog="Any credential is accepted unless " + ", ".join(CREDENTIAL_VARIABLES.values()) + " demand one.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8900, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of all ids and of chance (default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        run(arguments.host, arguments.port, arguments.seed)
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"sandbox: cannot listen on {arguments.host}:{arguments.port}: {error}\n")
        return 1
    return 0
