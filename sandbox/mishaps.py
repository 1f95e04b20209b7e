"""Lets a fault happen to one request: before or after the vendor's work, and to the connection itself.

Invariant: the recorder learns of an effect before anything can happen to the answer that reports it.
"""

import asyncio
import socket
import struct
from dataclasses import replace

from aiohttp import web
from multidict import CIMultiDict

from sandbox.exchange import JSON_TYPE, Answer, Call
from sandbox.faults import Fault
from sandbox.recorder import Record, Recorder
from sandbox.vendors.base import Vendor

_LOOK_SECONDS = 0.25  # how often a hanging request looks whether its client is still there
_FILLER = '{"sandbox": "the other half of this was cut off"}'


async def answer_with_fault(vendor: Vendor, call: Call, fault: Fault | None, notes: tuple[Recorder, Record]) -> Answer:
    """Let the vendor work unless the fault keeps it from it, and return what goes out."""
    recorder, record = notes
    if fault is not None and fault.when == "before":
        await asyncio.sleep(fault.delay_seconds)
        if fault.replaces:
            return _overlaid(fault, vendor, Answer(200, vendor.refuse(500, "Fault").body or _FILLER))
    answer = vendor.answer(call)
    recorder.did(record, answer)
    if fault is None:
        return answer
    if fault.when == "after":
        await asyncio.sleep(fault.delay_seconds)
    return _overlaid(fault, vendor, answer)


def _overlaid(fault: Fault, vendor: Vendor, answer: Answer) -> Answer:
    """Return the answer as the fault leaves it."""
    status = fault.answer_status
    if status is not None:
        own_words = vendor.refuse(status, "Fault injected by the sandbox")
        answer = replace(own_words, status=status, headers={**answer.headers, **own_words.headers})
    if "body" in fault.model_fields_set:
        text = isinstance(fault.body, str)
        answer = replace(answer, body=fault.body, content_type="text/plain; charset=utf-8" if text else JSON_TYPE)
    headers = {**answer.headers, **fault.headers}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    return replace(answer, headers=headers, content_type=fault.content_type or answer.content_type)


async def deliver(request: web.Request, answer: Answer, fault: Fault | None) -> web.StreamResponse:
    """Send the answer, or let the connection end as the fault says."""
    if fault is not None and fault.hang:
        await _hang(request)
        return web.Response()
    if fault is not None and fault.reset:
        _reset(request)
        return web.Response()
    body = answer.encoded()
    headers = CIMultiDict({"Content-Type": answer.content_type} if body else {})
    for name, value in answer.headers.items():
        headers[name] = value  # a later one of the same name, in any case, takes the place of the earlier
    if fault is not None and fault.truncate:
        return await _send_half(request, answer.status, headers, body or _FILLER.encode())
    return web.Response(status=answer.status, headers=headers, body=body)


async def _hang(request: web.Request) -> None:
    """Answer nothing until the client leaves; the end of the sandbox cancels this."""
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - aiohttp has no event for it
        await asyncio.sleep(_LOOK_SECONDS)


def _reset(request: web.Request) -> None:
    """Close the connection with a TCP reset: a linger time of zero drops it without a goodbye."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()


async def _send_half(request: web.Request, status: int, headers: CIMultiDict[str], body: bytes) -> web.StreamResponse:
    """Announce the whole body, send half of it and close."""
    headers["Content-Length"] = str(len(body))
    response = web.StreamResponse(status=status, headers=headers)
    response.force_close()  # else a client of a status without a body takes the connection for its next request
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response
