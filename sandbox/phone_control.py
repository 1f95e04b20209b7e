"""The control API of the phones: what they show, what people do with them, what goes wrong on them.

Invariant: it does nothing that a person with the phone in hand could not do, but for the errors a phone meets.
"""

from dataclasses import asdict
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from sandbox.control import json_body, valid
from sandbox.exchange import Json
from sandbox.phones import Business, Message, Person, Phones, shown_message
from sandbox.web import WORLD, bad_request
from sandbox.whatsapp_account import NUMBER

LONGEST_PHONE = 20
LONGEST_TEXT = 4096


class PersonChanges(BaseModel):
    """What can be changed of a person; what is not named stays."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=200)] = ""
    error: Annotated[int | None, Field(ge=0)] = None
    error_times: Annotated[int | None, Field(ge=0)] = None
    offline: bool = False
    reads_at_once: bool = False
    blocked: list[str] = []


_CHANGES = TypeAdapter(PersonChanges)


def add_phone_control_routes(app: web.Application) -> None:
    """Add the control API of the phones."""
    router = app.router
    router.add_get("/_sandbox/phones", show_phones)
    router.add_get("/_sandbox/phones/{phone}", show_phone)
    router.add_put("/_sandbox/phones/{phone}", put_phone)
    router.add_put("/_sandbox/phones/{phone}/window", put_window)
    router.add_post("/_sandbox/phones/{phone}/text", post_text)
    router.add_post("/_sandbox/phones/{phone}/tap", post_tap)
    router.add_post("/_sandbox/phones/{phone}/read", post_read)


async def show_phones(request: web.Request) -> web.Response:
    """List all people."""
    phones = request.app[WORLD].phones
    return web.json_response([shown_person(person) for person in phones.people.values()])


async def show_phone(request: web.Request) -> web.Response:
    """Show a person and what the phone shows."""
    phones, phone = request.app[WORLD].phones, phone_of(request)
    person = phones.people.get(phone)
    if person is None:
        raise web.HTTPNotFound(text="nobody has this phone")
    messages = [shown_message(message) for message in phones.on_phone(phone)]
    return web.json_response({**shown_person(person), "messages": messages})


async def put_phone(request: web.Request) -> web.Response:
    """Change what is named of a person, added if new; a phone that comes online gets what waited for it."""
    phones, phone = request.app[WORLD].phones, phone_of(request)
    changes = await _object(request)
    change_person(phones, phone, changes)
    return web.json_response(shown_person(phones.person(phone)))


async def put_window(request: web.Request) -> web.Response:
    """Open or close the 24 hours of a business: `{"to": …, "open": true}`."""
    phones, phone, body = request.app[WORLD].phones, phone_of(request), await _object(request)
    business = business_of(phones, phone, body.get("to"))
    change = phones.open_window if body.get("open", True) else phones.close_window
    change(business.number, phone)
    return web.json_response({"to": business.name, "open": phones.window_open(business.number, phone)})


async def post_text(request: web.Request) -> web.Response:
    """Let a person write: `{"text": …, "to": vendor or number}`."""
    phones, phone, body = request.app[WORLD].phones, phone_of(request), await _object(request)
    return web.json_response(shown_message(write(phones, phone, body.get("text"), body.get("to"))))


async def post_tap(request: web.Request) -> web.Response:
    """Let a person tap a button: `{"message_id": …, "button": its id or title}`."""
    phones, body = request.app[WORLD].phones, await _object(request)
    return web.json_response(shown_message(tap(phones, phone_of(request), body.get("message_id"), body.get("button"))))


async def post_read(request: web.Request) -> web.Response:
    """Let a person open the chat with a business, or all chats where none is named."""
    phones, phone, body = request.app[WORLD].phones, phone_of(request), await _object(request)
    number = business_of(phones, phone, body["to"]).number if "to" in body else ""
    return web.json_response({"read": [message.id for message in phones.read(phone, number)]})


def phone_of(request: web.Request) -> str:
    """Return the phone of the path."""
    phone = request.match_info["phone"]
    if not (phone.isascii() and phone.isdecimal() and len(phone) <= LONGEST_PHONE):
        raise bad_request("phone: digits only, with the country code")
    return phone


def business_of(phones: Phones, phone: str, name: Json) -> Business:
    """Return a business by vendor or number; where none is named, the newest message's, else the shop's own number."""
    wanted = name or next((message.vendor for message in reversed(phones.on_phone(phone))), NUMBER)
    for business in phones.businesses:
        if wanted in (business.name, business.number):
            return business
    raise bad_request(f"to: one of {', '.join(business.name for business in phones.businesses)}")


def write(phones: Phones, phone: str, text: Json, to: Json) -> Message:
    """Let a person write."""
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST_TEXT:
        raise bad_request(f"text: 1 to {LONGEST_TEXT} characters")
    return phones.write(business_of(phones, phone, to), phone, text)


def tap(phones: Phones, phone: str, message_id: Json, button: Json) -> Message:
    """Let a person tap a button."""
    message = phones.messages.get(message_id) if isinstance(message_id, str) else None
    if message is None or message.phone != phone or not isinstance(button, str):
        raise web.HTTPNotFound(text="message_id: there is no such message on this phone")
    try:
        return phones.tap(message, button)
    except LookupError as error:
        raise web.HTTPConflict(text=str(error)) from None


def change_person(phones: Phones, phone: str, changes: dict[str, Json]) -> None:
    """Change what is named of a person."""
    wanted = valid(_CHANGES, changes)
    person = phones.person(phone)
    for name in wanted.model_fields_set:
        setattr(person, name, getattr(wanted, name))
    if not person.offline:
        phones.come_online(phone)


def shown_person(person: Person) -> dict[str, Json]:
    """Return a person as JSON."""
    return asdict(person)


async def _object(request: web.Request) -> dict[str, Json]:
    body = await json_body(request) if request.can_read_body else {}
    if not isinstance(body, dict):
        raise bad_request("the body must be a JSON object")
    return body
