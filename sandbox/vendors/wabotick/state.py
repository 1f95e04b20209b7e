"""What the faked Wabotick knows: templates, subscribers and messages of one connected number.

Invariant: a session message goes out only within 24 hours after the customer's last one; a template always may.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.exchange import Json
from sandbox.ids import IdMaker

PHONE_NUMBER_ID = "100000000000001"
BOT_ID = 4242
WINDOW = timedelta(hours=24)
LABELS = {"1": "Lead", "2": "Active", "3": "VIP"}

_SEED_FILE = Path(__file__).with_name("templates.json")


def wall_clock(moment: datetime) -> str:
    """Write a time as Wabotick does: no zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class Subscriber:
    """One customer of the number; `visible_at` is when the API begins to find it."""

    subscriber_id: int
    chat_id: str
    first_name: str
    created_at: datetime
    visible_at: datetime
    last_message_at: datetime | None = None
    labels: list[str] = field(default_factory=list)
    custom_fields: dict[str, Json] = field(default_factory=dict)


@dataclass
class Message:
    """One message of a conversation; `content` is the WhatsApp Cloud API object."""

    number: int
    wa_message_id: str
    chat_id: str
    sender: str
    content: dict[str, Json]
    at: datetime
    status: str | None = None
    failed_reason: str = ""


@dataclass
class Chats:
    """Everything behind one phone number id."""

    ids: IdMaker
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    by_chat: dict[str, list[Message]] = field(default_factory=dict)
    templates: dict[str, dict[str, Json]] = field(default_factory=dict)

    @classmethod
    def seeded(cls, ids: IdMaker, now: datetime) -> "Chats":
        """Return the templates, and two customers: Avery just wrote, Budi never did."""
        chats = cls(ids)
        for template in json.loads(_SEED_FILE.read_text(encoding="utf-8")):
            chats.templates[str(template["id"])] = template
        chats.subscribe("12025550143", "Avery", now).last_message_at = now
        chats.subscribe("628123456789", "Budi", now)
        return chats

    def subscribe(self, chat_id: str, name: str, now: datetime, delay_seconds: float = 0) -> Subscriber:
        """Return the subscriber with this phone, added if new."""
        known = self.subscribers.get(chat_id)
        if known is None:
            number = self.ids.number("subscriber", 9_800)
            visible_at = now + timedelta(seconds=delay_seconds)
            known = self.subscribers[chat_id] = Subscriber(number, chat_id, name, now, visible_at)
        return known

    def visible(self, chat_id: str, now: datetime) -> Subscriber | None:
        """Find a subscriber, once it is old enough to be found."""
        known = self.subscribers.get(chat_id)
        return known if known is not None and known.visible_at <= now else None

    def window_open(self, chat_id: str, now: datetime) -> bool:
        """Return whether the customer wrote in the last 24 hours."""
        known = self.subscribers.get(chat_id)
        return known is not None and known.last_message_at is not None and now < known.last_message_at + WINDOW

    def add_message(self, chat_id: str, sender: str, content: dict[str, Json], now: datetime) -> Message:
        """Add a message to a conversation."""
        number, identity = self.ids.number("message row", 8_000), self.ids.wamid()
        message = Message(number, identity, chat_id, sender, content, now)
        self.messages[identity] = message
        self.by_chat.setdefault(chat_id, []).append(message)
        return message

    def conversation(self, chat_id: str) -> list[Message]:
        """Return a customer's messages, newest first."""
        return self.by_chat.get(chat_id, [])[::-1]

    def state(self) -> dict[str, Json]:
        """Return everything as JSON."""
        shown = {
            "templates": list(self.templates.values()),
            "subscribers": [asdict(subscriber) for subscriber in self.subscribers.values()],
            "messages": [asdict(message) for message in self.messages.values()],
        }
        return dict(json.loads(json.dumps(shown, default=datetime.isoformat)))
