"""Serves the faked vendors over HTTP, with the control API, the pages and the phones beside them.

Invariant: whatever a client sends, the answer is a vendor's or the control API's own; never a stack trace.
"""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence

from aiohttp import web

from sandbox.control import add_control_routes
from sandbox.exchange import Call
from sandbox.intake import Body, read_body
from sandbox.mishaps import answer_with_fault, deliver
from sandbox.page import add_page_routes
from sandbox.phone_control import add_phone_control_routes
from sandbox.phone_pages import add_phone_routes
from sandbox.targets import read_targets
from sandbox.vendors.base import Vendor
from sandbox.vendors.registry import VENDORS
from sandbox.web import WORLD, errors_as_json, same_site_only
from sandbox.webhook_control import add_webhook_routes
from sandbox.world import Options, World

MAX_BODY_BYTES = 2 * 1024 * 1024
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
    app = web.Application(client_max_size=MAX_BODY_BYTES, middlewares=[errors_as_json, same_site_only])
    app[WORLD] = World(options)
    add_page_routes(app)
    add_control_routes(app)
    add_webhook_routes(app)
    add_phone_control_routes(app)
    add_phone_routes(app)
    app.cleanup_ctx.append(_emitting)
    names = "|".join(vendor.name for vendor in VENDORS)
    app.router.add_route("*", f"/{{vendor:{names}}}{{path:(/.*)?}}", handle_vendor)
    return app


async def _emitting(app: web.Application) -> AsyncIterator[None]:
    await app[WORLD].emitter.start()
    yield
    await app[WORLD].emitter.stop()


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


def read_options(environ: Mapping[str, str], seed: int) -> Options:
    """Read credentials and targets from the environment.

    Raises:
        ValueError: `SANDBOX_WEBHOOKS` is wrong.
    """
    credentials = {vendor.name: environ.get(vendor.credential_variable, "") for vendor in VENDORS}
    allow_remote = environ.get("SANDBOX_ALLOW_REMOTE", "") == "1"
    triggers = {vendor.name: vendor.triggers for vendor in VENDORS}
    try:
        targets = read_targets(environ.get("SANDBOX_WEBHOOKS", ""), triggers, allow_remote=allow_remote)
    except ValueError as error:
        raise ValueError(f"SANDBOX_WEBHOOKS: {error}") from None
    return Options(
        seed=seed,
        credentials={vendor: key for vendor, key in credentials.items() if key},
        targets=targets,
        allow_remote=allow_remote,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sandbox from the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description=f"Fakes {', '.join(vendor.name for vendor in VENDORS)} over HTTP: their APIs, the webhooks they "
        "send, and the phones of their customers; with fault injection.",
        epilog="Environment: "
        + ", ".join(vendor.credential_variable for vendor in VENDORS)
        + " demand one credential each (else any is accepted). SANDBOX_WEBHOOKS says where webhooks go, as JSON: "
        '{"<vendor>": {"<trigger or *>": {"url": "http://127.0.0.1:8000/webhooks/...", "secret": "..."}}}. '
        "They go to this machine only, unless SANDBOX_ALLOW_REMOTE=1. Pages: /, /vendors/<name>, /phones. "
        "Control API under /_sandbox: requests, effects, faults, settings/<vendor>, state/<vendor>, webhooks/<vendor>, "
        "webhooks/<vendor>/traps, emissions, phones, reset.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8900, help="port; 0 takes a free one (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of all ids and of chance (default: %(default)s)")
    arguments = parser.parse_args(argv)
    try:
        options = read_options(os.environ, arguments.seed)
    except ValueError as error:
        sys.stderr.write(f"sandbox: {error}\n")
        return 1
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(serve(arguments.host, arguments.port, options))
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"sandbox: cannot listen on {arguments.host}:{arguments.port}: {error}\n")
        return 1
    return 0
