"""The phones of the customers: what each shows, and what people do with it.

Every vendor that sends WhatsApp messages delivers into this one world and is told what became of them, so a person
has one phone however many systems write to it.

Invariant: a message's status only moves forward, each step is told to its sender once, and nothing happens on a
phone that its `Business` is not told of.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal, Protocol

from sandbox.exchange import Clock, Json
from sandbox.whatsapp_errors import error_of

WINDOW = timedelta(hours=24)
UNDELIVERABLE = 131026

Status = Literal["accepted", "sent", "delivered", "read", "failed"]
STEPS: tuple[Status, ...] = ("accepted", "sent", "delivered", "read")


@dataclass(frozen=True)
class Button:
    """A button or a row of a list; one with a `url` opens a page and tells nobody."""

    id: str
    title: str
    description: str = ""
    url: str = ""


@dataclass(frozen=True)
class Content:
    """What a bubble shows.

    Attributes:
        template: the template's name; empty for a session message.
        media: kind and address of a picture, film, sound or document.
        menu: the title of the button that opens the list of `buttons`; empty where they are plain buttons.
    """

    text: str = ""
    header: str = ""
    footer: str = ""
    media: tuple[str, str] | None = None
    buttons: tuple[Button, ...] = ()
    menu: str = ""
    template: str = ""


@dataclass
class Message:
    """One bubble. `number` is the business number it went to or came from; `raw` is the sender's own form of it."""

    id: str
    phone: str
    number: str
    vendor: str
    by_person: bool
    content: Content
    at: datetime
    raw: Json = None
    status: Status = "accepted"
    error: int | None = None
    times: dict[str, datetime] = field(default_factory=dict)
    reply_to: str | None = None
    tapped: Button | None = None

    @property
    def finished(self) -> bool:
        """Whether its status cannot change any more."""
        return self.status in ("read", "failed")


class Business(Protocol):
    """What a vendor offers to be on people's phones. A call that is no concern of it may do nothing."""

    name: ClassVar[str]

    @property
    def number(self) -> str:
        """The business number it writes from, digits only."""

    @property
    def overhears(self) -> bool:
        """Whether it is told of everything on its number, also of other systems' messages."""

    def next_message_id(self) -> str:
        """Return an id for a message of a person."""

    def status_changed(self, message: Message) -> None:
        """Take notice that a message was accepted, sent, delivered, read, or failed."""

    def person_wrote(self, message: Message) -> None:
        """Take notice of a text or a tap; the message a tap answers is `message.reply_to`."""


@dataclass
class Person:
    """The owner of a phone.

    Attributes:
        error: the WhatsApp error code that messages to this phone meet.
        error_times: how often; None means always.
        offline: messages stay at one tick until the phone is online again.
        reads_at_once: the chat is open all the time.
        blocked: the businesses' numbers this person has blocked.
    """

    phone: str
    name: str = ""
    error: int | None = None
    error_times: int | None = None
    offline: bool = False
    reads_at_once: bool = False
    blocked: list[str] = field(default_factory=list)

    def meet_error(self) -> int | None:
        """Return the error that the next message meets, and count it.

        A vendor asks this before `deliver`: what is not late refuses the call, the rest is given to `deliver`.
        """
        if self.error is None or self.error_times == 0:
            return None
        if self.error_times is not None:
            self.error_times -= 1
        return self.error


class Phones:
    """All phones, and the vendors whose messages they show."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.people: dict[str, Person] = {}
        self.messages: dict[str, Message] = {}
        self._by_phone: dict[str, list[Message]] = {}
        self._businesses: dict[str, Business] = {}
        self._last_words: dict[tuple[str, str], datetime] = {}

    def join(self, business: Business) -> None:
        """Let a vendor write to phones and be told what happens there."""
        self._businesses[business.name] = business

    @property
    def businesses(self) -> tuple[Business, ...]:
        """The vendors that write to phones."""
        return tuple(self._businesses.values())

    def person(self, phone: str, name: str = "") -> Person:
        """Return the owner of a phone, added if new."""
        person = self.people.setdefault(phone, Person(phone))
        person.name = person.name or name
        return person

    def on_phone(self, phone: str) -> list[Message]:
        """Return what a phone shows, oldest first."""
        return list(self._by_phone.get(phone, ()))

    def window_open(self, number: str, phone: str) -> bool:
        """Return whether the person wrote to this number in the last 24 hours."""
        last = self._last_words.get((number, phone))
        return last is not None and self._clock() < last + WINDOW

    def open_window(self, number: str, phone: str) -> None:
        """Count as if the person had just written, without a message."""
        self._last_words[number, phone] = self._clock()

    def close_window(self, number: str, phone: str) -> None:
        """Count as if the person had never written."""
        self._last_words.pop((number, phone), None)

    def deliver(
        self,
        business: Business,
        phone: str,
        content: Content,
        *,
        message_id: str,
        raw: Json = None,
        error: int | None = None,
        reach: Status = "delivered",
    ) -> Message:
        """Bring a message to a phone and tell the vendor, step by step, how far it came.

        Args:
            error: the code it fails with, for example what `Person.meet_error` said.
            reach: how far it comes by itself.
        """
        person = self.person(phone)
        message = Message(message_id, phone, business.number, business.name, False, content, self._clock(), raw)
        self._keep(message)
        self._change(message, "accepted")
        if business.number in person.blocked:
            error = UNDELIVERABLE
        if error is not None:
            self.fail(message, error)
            return message
        if person.offline:
            reach = "sent"
        elif person.reads_at_once and reach == "delivered":
            reach = "read"
        self.advance(message, reach)
        return message

    def advance(self, message: Message, status: Status) -> None:
        """Move a message forward, telling every step on the way; a step back is ignored."""
        if message.finished:
            return
        for step in STEPS[STEPS.index(message.status) + 1 : STEPS.index(status) + 1]:
            self._change(message, step)

    def fail(self, message: Message, error: int) -> None:
        """Let a message fail with a WhatsApp error code."""
        if not message.finished:
            message.error = error_of(error).code
            self._change(message, "failed")

    def write(
        self, business: Business, phone: str, text: str, *, name: str = "", media: tuple[str, str] | None = None
    ) -> Message:
        """Let a person write to a vendor's number, with a picture, film, sound or document where there is one."""
        self.person(phone, name)
        return self._from_person(business, phone, Content(text=text, media=media))

    def tap(self, message: Message, button_id: str) -> Message:
        """Let a person tap a button, named by its id or its title.

        Raises:
            LookupError: the message has no such button, or is not on the phone.
        """
        found = [item for item in message.content.buttons if button_id in (item.id, item.title) and not item.url]
        if message.by_person or not found or message.status not in ("delivered", "read"):
            raise LookupError("there is no such button on this phone")
        self.read(message.phone, message.number)
        business = self._businesses[message.vendor]
        content = Content(text=found[0].title)
        return self._from_person(business, message.phone, content, reply_to=message.id, tapped=found[0])

    def read(self, phone: str, number: str = "") -> list[Message]:
        """Let a person open a chat, or all: what was delivered there is read."""
        seen = [
            message
            for message in self.on_phone(phone)
            if not message.by_person and message.status == "delivered" and number in ("", message.number)
        ]
        for message in seen:
            self.advance(message, "read")
        return seen

    def come_online(self, phone: str) -> None:
        """Bring what waited for an offline phone."""
        self.person(phone).offline = False
        for message in self.on_phone(phone):
            if not message.by_person and message.status == "sent":
                self.advance(message, "delivered")

    def _from_person(self, business: Business, phone: str, content: Content, **more: Json) -> Message:
        identity, now = business.next_message_id(), self._clock()
        message = Message(identity, phone, business.number, business.name, True, content, now, status="read", **more)
        self._keep(message)
        self._last_words[business.number, phone] = now
        for listener in self._listeners(message):
            listener.person_wrote(message)
        return message

    def _keep(self, message: Message) -> None:
        self.messages[message.id] = message
        self._by_phone.setdefault(message.phone, []).append(message)

    def _change(self, message: Message, status: Status) -> None:
        message.status, message.times[status] = status, self._clock()
        for listener in self._listeners(message):
            listener.status_changed(message)

    def _listeners(self, message: Message) -> Iterable[Business]:
        for business in self.businesses:
            if business.name == message.vendor or (business.number == message.number and business.overhears):
                yield business


def shown_message(message: Message) -> dict[str, Json]:
    """Return a message as JSON."""
    shown = asdict(message)
    shown.pop("raw")
    times = {name: moment.isoformat() for name, moment in message.times.items()}
    return {**shown, "at": message.at.isoformat(), "times": times}
