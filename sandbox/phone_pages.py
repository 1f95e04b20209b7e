"""The phones as people see them: a list, and each phone's chats, where one can write and tap.

Invariant: looking changes nothing; only a form that was sent does, and what it may do is what `phone_control` does.
"""

from collections.abc import Awaitable, Callable
from itertools import groupby

from aiohttp import web

from sandbox.exchange import Json
from sandbox.html import page
from sandbox.phone_control import business_of, change_person, phone_of, tap, write
from sandbox.phones import Message, Phones
from sandbox.web import WORLD, bad_request
from sandbox.whatsapp_errors import ERRORS, error_of

BUBBLES = 300
_TICKS = {"accepted": "…", "sent": "✓", "delivered": "✓✓", "read": "✓✓", "failed": "!"}


def add_phone_routes(app: web.Application) -> None:
    """Add the pages of the phones."""
    router = app.router
    router.add_get("/phones", show_phones)
    router.add_post("/phones", add_phone)
    router.add_get("/phones/{phone}", show_phone)
    for name, change in _CHANGES.items():
        router.add_post(f"/phones/{{phone}}/{name}", _form_handler(change))


async def show_phones(request: web.Request) -> web.Response:
    """List the phones, the one with the newest message first."""
    phones = request.app[WORLD].phones
    rows = [_phone_row(phones, phone) for phone in phones.people]
    rows.sort(key=lambda row: str(row["at"]), reverse=True)
    return page(request, "phones.html", here="phones", phones=rows)


async def add_phone(request: web.Request) -> web.Response:
    """Add a phone."""
    form = await _form(request)
    phone = form.get("phone", "").strip().removeprefix("+").replace(" ", "").replace("-", "")
    if not (phone.isascii() and phone.isdecimal() and len(phone) <= 20):
        raise bad_request("phone: digits only, with the country code")
    request.app[WORLD].phones.person(phone, form.get("name", "").strip()[:200])
    raise web.HTTPSeeOther(f"/phones/{phone}")


async def show_phone(request: web.Request) -> web.Response:
    """Show one phone; it is open to every number, also of somebody nobody wrote to yet."""
    phones, phone = request.app[WORLD].phones, phone_of(request)
    messages = phones.on_phone(phone)[-BUBBLES:]
    days = [
        (day, [_bubble(phones, message) for message in group])
        for day, group in groupby(messages, key=lambda message: f"{message.at:%d %B %Y}")
    ]
    unread = sum(message.status == "delivered" and not message.by_person for message in messages)
    person = phones.people.get(phone)
    return page(
        request,
        "phone.html",
        here="phones",
        phone=phone,
        person=person,
        name=person.name if person else "",
        days=days,
        unread=unread,
        businesses=[(item.name, item.number) for item in phones.businesses],
        chosen=business_of(phones, phone, None).name,
        errors=[(error.code, error.title) for error in ERRORS.values()],
    )


def _write(phones: Phones, phone: str, form: dict[str, str]) -> None:
    write(phones, phone, form.get("text"), form.get("to"))


def _tap(phones: Phones, phone: str, form: dict[str, str]) -> None:
    tap(phones, phone, form.get("message_id"), form.get("button"))


def _read(phones: Phones, phone: str, _: dict[str, str]) -> None:
    phones.read(phone)


def _settle(phones: Phones, phone: str, form: dict[str, str]) -> None:
    error = form.get("error", "")
    if error and not (error.isascii() and error.isdecimal() and len(error) < 10):
        raise bad_request("error: must be a number")
    changes: dict[str, Json] = {
        "offline": "offline" in form,
        "reads_at_once": "reads_at_once" in form,
        "error": int(error) if error else None,
        "error_times": None,
    }
    change_person(phones, phone, changes)


Change = Callable[[Phones, str, dict[str, str]], None]
_CHANGES: dict[str, Change] = {"text": _write, "tap": _tap, "read": _read, "settings": _settle}


def _form_handler(change: Change) -> Callable[[web.Request], Awaitable[web.Response]]:
    """Return the handler of a form: it does one thing and leads back to the phone."""

    async def handle(request: web.Request) -> web.Response:
        phone = phone_of(request)
        change(request.app[WORLD].phones, phone, await _form(request))
        raise web.HTTPSeeOther(f"/phones/{phone}#end")

    return handle


async def _form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise bad_request("a form is needed")
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _phone_row(phones: Phones, phone: str) -> dict[str, Json]:
    messages = phones.on_phone(phone)
    last = messages[-1] if messages else None
    return {
        "phone": phone,
        "name": phones.people[phone].name,
        "at": last.at.isoformat() if last else "",
        "time": f"{last.at:%H:%M}" if last else "",
        "last": (last.content.text or (last.content.media or ("",))[0]) if last else "No messages yet.",
        "unread": sum(message.status == "delivered" and not message.by_person for message in messages),
    }


def _bubble(phones: Phones, message: Message) -> dict[str, Json]:
    """Return what the template shows of a message."""
    answered = phones.messages.get(message.reply_to or "")
    buttons = [
        {
            "id": item.id,
            "title": item.title,
            "description": item.description,
            "url": item.url if _is_web(item.url) else "",
        }
        for item in message.content.buttons
    ]
    return {
        "id": message.id,
        "mine": message.by_person,
        "vendor": message.vendor,
        "content": message.content,
        "buttons": buttons,
        "on_phone": message.by_person or message.status in ("delivered", "read"),
        "time": f"{message.at:%H:%M}",
        "at": message.at.isoformat(),
        "status": message.status,
        "ticks": "" if message.by_person else _TICKS[message.status],
        "problem": f"{message.error}: {error_of(message.error).title}" if message.error is not None else "",
        "quoted": answered.content.text if answered else "",
    }


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))
