"""What the faked CGB knows: one account with its contacts, flows, pipelines and shop.

Invariant: the id of a WhatsApp contact is its phone's digits, so a phone has one of them unless a trap doubles it.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from sandbox.exchange import Json
from sandbox.ids import IdMaker

Record = dict[str, Json]

MESSENGER, WHATSAPP, WEBCHAT = 0, 5, 9
CHANNELS = {"messenger": MESSENGER, "sms": 2, "whatsapp": WHATSAPP, "telegram": 8, "webchat": WEBCHAT}
CHANNEL_NAMES = {number: name for name, number in CHANNELS.items()}
GENDERS = {"female": 0, "male": 1}
UNKNOWN_GENDER = 2

_SEED_FILE = Path(__file__).with_name("seed.json")
_NOT_BY_ID = ("account", "admins")


def utc_text(moment: datetime) -> str:
    """Write a time as CGB's text fields do: UTC, no zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class Contact:
    """One person on one channel; `touched` numbers the last change of each custom field."""

    id: str
    created_at: datetime
    phone: str = ""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    channel: int = WHATSAPP
    gender: int = UNKNOWN_GENDER
    last_interaction_at: datetime | None = None
    tag_ids: list[int] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    cart: dict[str, int] = field(default_factory=dict)


@dataclass
class Bot:
    """One account; every table is keyed by the id as text."""

    account: Record
    admins: list[Record]
    tags: dict[str, Record]
    custom_fields: dict[str, Record]
    bot_fields: dict[str, Record]
    flows: dict[str, Record]
    pipelines: dict[str, Record]
    products: dict[str, Record]
    orders: dict[str, Record]
    contacts: dict[str, Contact] = field(default_factory=dict)
    opportunities: dict[str, Record] = field(default_factory=dict)
    comments: dict[str, Record] = field(default_factory=dict)
    messages: list[Record] = field(default_factory=list)
    payments: list[Record] = field(default_factory=list)
    taps: list[Record] = field(default_factory=list)
    changes: int = 0

    @classmethod
    def seeded(cls, now: datetime) -> "Bot":
        """Return the account a fresh sandbox starts with; Avery wrote just now."""
        seed = json.loads(_SEED_FILE.read_text(encoding="utf-8"))
        contacts = seed.pop("contacts")
        tables: dict[str, Json] = {
            name: rows if name in _NOT_BY_ID else {str(row["id"]): row for row in rows} for name, rows in seed.items()
        }
        bot = cls(**tables)
        for row in contacts:
            bot.contacts[row["id"]] = Contact(created_at=now, last_interaction_at=now, **row)
        return bot

    def set_value(self, contact: Contact, field_id: str, value: str) -> None:
        """Set a contact's custom field and note that it is the newest change."""
        self.changes += 1
        contact.values[field_id], contact.touched[field_id] = value, self.changes

    def tag_named(self, name: str, ids: IdMaker) -> tuple[bool, Record]:
        """Return whether the tag is new, and the tag of this name, added if missing."""
        known = next((tag for tag in self.tags.values() if tag["name"] == name), None)
        if known is None:
            number = ids.number("tag", 20)
            self.tags[str(number)] = {"id": number, "name": name}
        return known is None, known or self.tags[str(number)]

    def field_named(self, name: str) -> Record | None:
        """Find a custom field by its name."""
        return next((field for field in self.custom_fields.values() if field["name"] == name), None)

    def whatsapp_contact(self, phone: str) -> Contact | None:
        """Find the first WhatsApp contact with these digits."""
        found = (c for c in self.contacts.values() if c.channel == WHATSAPP and c.phone == phone)
        return next(found, None)

    def state(self) -> dict[str, Json]:
        """Return everything as JSON."""
        shown = {name: list(value.values()) if isinstance(value, dict) else value for name, value in vars(self).items()}
        shown |= {"account": self.account, "contacts": [asdict(contact) for contact in self.contacts.values()]}
        return dict(json.loads(json.dumps(shown, default=datetime.isoformat)))
