"""What Scalev knows of its WhatsApp: users, messages, and the business number on people's phones.

Invariant: a message's record follows what its phone says of it, and never runs ahead.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from sandbox.phones import Message
from sandbox.vendors.scalev import events
from sandbox.vendors.scalev.state import stamp
from sandbox.vendors.scalev.words import Record
from sandbox.whatsapp_errors import error_of

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

_SEED_NAMES = ("waba_accounts", "templates", "quick_replies", "waba_tags", "whatsapp_integrations")
_FIRST_USER = 7_000


@dataclass
class Waba:
    """The WhatsApp side of the business: users by phone, messages by wamid, and what the desk keeps."""

    accounts: list[Record]
    templates: list[Record]
    quick_replies: list[Record]
    tags: list[Record]
    integrations: list[Record]
    users: dict[str, Record] = field(default_factory=dict)
    messages: dict[str, Record] = field(default_factory=dict)
    attempts: list[Record] = field(default_factory=list)

    @classmethod
    def seeded(cls, seed: Record) -> "Waba":
        """Return what a fresh sandbox starts with."""
        accounts, templates, quick_replies, tags, devices = ([{**item} for item in seed[name]] for name in _SEED_NAMES)
        return cls(accounts, templates, quick_replies, tags, devices)

    def state(self) -> Record:
        """Return users, messages and the desk's lists as JSON."""
        names = ("quick_replies", "tags", "integrations", "attempts")
        lists = {"users": list(self.users.values()), "messages": list(self.messages.values())}
        return {**lists, **{name: getattr(self, name) for name in names}}


class Line:
    """The business number on people's phones: what they write and how messages fare comes in here."""

    name: ClassVar[str] = "scalev"
    overhears: ClassVar[bool] = False

    def __init__(self, vendor: "Scalev") -> None:
        self._vendor = vendor

    @property
    def number(self) -> str:
        """The business number, digits only."""
        shown = str(self._vendor.waba.accounts[0]["display_phone_number"])
        return "".join(letter for letter in shown if letter.isdecimal())

    def next_message_id(self) -> str:
        """Return an id for a message of a person."""
        return self._vendor.ids.wamid()

    def status_changed(self, message: Message) -> None:
        """Keep how far a message came."""
        record = self._vendor.waba.messages.get(message.id)
        if record is None or message.status == "accepted":
            return
        record["status"] = message.status
        if message.status in ("sent", "delivered", "read"):
            record[f"timestamp_{message.status}"] = self._vendor.now()
        if message.error is not None:
            problem = error_of(message.error)
            record["error"] = {"code": problem.code, "title": problem.title, "message": problem.details}
        self._tell("whatsapp.message.status.updated", record)

    def person_wrote(self, message: Message) -> None:
        """Keep what a person wrote or tapped."""
        user = ensure_user(self._vendor, message.phone)
        user["last_message_at"] = self._vendor.now()
        content: Record = {"text": {"body": message.content.text}}
        kind = "text"
        if message.tapped is not None:
            kind, content = "interactive", {"interactive": {"type": "button_reply", "button_reply": _reply(message)}}
        record = new_record(self._vendor, message.phone, message.id, {"type": kind, **content}, "inbound")
        record["context"] = {"id": message.reply_to} if message.reply_to else None
        self._vendor.waba.messages[message.id] = record
        self._tell("whatsapp.message.received", record)

    def _tell(self, event: str, record: Record) -> None:
        if self._vendor.settings.whatsapp_events:
            events.announce(self._vendor, event, {**record})


def ensure_user(vendor: "Scalev", phone: str) -> Record:
    """Return the WABA user of a phone, added if new."""
    if phone not in vendor.waba.users:
        vendor.waba.users[phone] = {
            "id": vendor.ids.number("waba user", _FIRST_USER),
            "wa_user_id": phone,
            "name": vendor.setup.phones.person(phone).name,
            "handler_id": None,
            "handler_type": "auto",
            "tag_ids": [],
            "is_block": False,
            "last_message_at": None,
        }
    return vendor.waba.users[phone]


def new_record(vendor: "Scalev", phone: str, wamid: str, content: Record, direction: str) -> Record:
    """Return a message object; which of the content's keys is filled says `type`."""
    return {
        "wamid": wamid,
        "phone_number_id": vendor.waba.accounts[0]["phone_number_id"],
        "wa_user_id": phone,
        "direction": direction,
        "sender_tag": "api" if direction == "outbound" else "customer",
        "status": "accepted" if direction == "outbound" else "delivered",
        "error": None,
        "timestamp_sent": None,
        "timestamp_delivered": None,
        "timestamp_read": None,
        "inserted_at": stamp(vendor.setup.clock()),
        "pricing_category": None,
        "context": None,
        **content,
    }


def _reply(message: Message) -> Record:
    return {"id": message.tapped.id, "title": message.tapped.title} if message.tapped else {}
