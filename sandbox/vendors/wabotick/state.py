"""What the faked Wabotick knows of one connected number: its customers, their chats, labels, templates and shop.

Invariant: what is on a phone is kept by the phones; here is only what the platform itself remembers of it.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sandbox.exchange import Json
from sandbox.ids import IdMaker
from sandbox.whatsapp_account import Template, load_templates

BOT_ID = 4242
BOT_NAME = "Example Store"

_SHOP_FILE = Path(__file__).with_name("shop.json")


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
    last_name: str = ""
    gender: str = ""
    last_message_at: datetime | None = None
    labels: list[str] = field(default_factory=list)
    sequences: list[str] = field(default_factory=list)
    custom_fields: dict[str, Json] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    team_member_id: str | None = None
    input_flow_resets: int = 0


@dataclass(frozen=True)
class Row:
    """One line of a chat; `wa_message_id` leads to the message on the phone, a line of the system has none."""

    number: int
    chat_id: str
    sender: str
    content: Json
    at: datetime
    wa_message_id: str = ""


@dataclass
class Chats:
    """Everything behind one phone number id."""

    ids: IdMaker
    subscribers: dict[str, Subscriber] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=dict)
    templates: dict[str, Template] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    sequences: dict[str, str] = field(default_factory=dict)
    custom_fields: list[dict[str, Json]] = field(default_factory=list)
    postbacks: list[dict[str, Json]] = field(default_factory=list)
    catalogs: list[dict[str, Json]] = field(default_factory=list)
    orders: list[dict[str, Json]] = field(default_factory=list)
    media: dict[str, dict[str, Json]] = field(default_factory=dict)
    campaigns: list[dict[str, Json]] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    @classmethod
    def seeded(cls, ids: IdMaker, now: datetime) -> "Chats":
        """Return the templates and the shop, and two customers: Avery just wrote, Budi never did."""
        templates = {str(template["id"]): template for template in load_templates()}
        chats = cls(ids, templates=templates, **json.loads(_SHOP_FILE.read_text(encoding="utf-8")))
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

    def remove(self, chat_id: str) -> None:
        """Forget a subscriber and the chat."""
        del self.subscribers[chat_id]
        self.rows.pop(chat_id, None)

    def add_row(self, chat_id: str, sender: str, content: Json, now: datetime, wa_message_id: str = "") -> None:
        """Add a line to a chat."""
        row = Row(self.ids.number("message row", 8_000), chat_id, sender, content, now, wa_message_id)
        self.rows.setdefault(chat_id, []).append(row)

    def chat(self, chat_id: str) -> list[Row]:
        """Return a customer's lines, newest first."""
        return self.rows.get(chat_id, [])[::-1]

    def label_names(self, subscriber: Subscriber) -> list[str]:
        """Return the names of a subscriber's labels."""
        return [self.labels.get(label, label) for label in subscriber.labels]

    def postback(self, postback_id: str) -> dict[str, Json] | None:
        """Find a button of the bot by its id."""
        return next((item for item in self.postbacks if item["postback_id"] == postback_id), None)

    def state(self) -> dict[str, Json]:
        """Return everything but the messages as JSON."""
        shown = {
            "templates": list(self.templates.values()),
            "subscribers": [asdict(subscriber) for subscriber in self.subscribers.values()],
            "labels": self.labels,
            "sequences": self.sequences,
            "catalogs": self.catalogs,
            "orders": self.orders,
            "media": self.media,
            "campaigns": self.campaigns,
        }
        return dict(json.loads(json.dumps(shown, default=datetime.isoformat)))
