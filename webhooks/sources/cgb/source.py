"""ChatGPT Builder's calls: the External API Request step of a flow, whose body and secret the shop chooses itself.

Source: none for events, the vendor has no webhooks; the step is described at the product it is a white label of. So
the contract is ours (docs/vendors/cgb.md), and the answer may speak in the chat.
Invariant: a placeholder that was not filled counts as missing, whichever way it arrives.
"""

import hashlib
import json
import re
from typing import Any

from config.accounts import Account, CgbAccount
from config.phones import to_e164
from webhooks import fields
from webhooks.forms import is_form, parse_form
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from worker.reading import Heard, OrderReference, Stored, Understanding, UnreadableError
from worker.states import Handling

VENDOR = "cgb"
UNRECOGNIZED = "cgb.unrecognized"
BUTTON = "cgb.button"
MESSAGE = "cgb.message"
_MOST_DEPTH = 200
# Requests carry no id: a second real tap looks like a repetition of the first, and within this time is taken as one.
_SAME_SECONDS = 60
_PLACEHOLDER = re.compile(r"\A\s*\{\{.*\}\}\s*\Z", re.DOTALL)

EVENT_TYPES = {
    BUTTON: Handling.HANDLED,  # a button was tapped: `button`, `order_id`
    MESSAGE: Handling.HANDLED,  # somebody wrote: `last_text_input`
    "cgb.flow": Handling.HANDLED,  # a flow came to this step
}
# What rules may ask of `data` whatever came in.
_NAMES = ("event", "contact_id", "phone", "first_name", "channel", "button", "order_id", "last_text_input")


def _given(body: Any) -> dict[str, Any]:
    """Return the fields that were filled, as the ledger can keep them; of our own names only texts."""
    given = fields.jsonable(body) if isinstance(body, dict) else {}
    given = {name: value for name, value in given.items() if not _is_unfilled(value)}
    return given | {name: fields.text(given.get(name)) for name in _NAMES}


def _is_unfilled(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (not value.strip() or bool(_PLACEHOLDER.match(value))))


def _type(given: dict[str, Any]) -> str:
    name = fields.event_name(given["event"])
    return f"{VENDOR}.{name}" if name else UNRECOGNIZED


def _identify(inbound: Inbound, body: Any, _match: Match, _account: Account) -> tuple[Identity, ...]:
    given = _given(body)
    type_ = _type(given)
    identity = Identity(
        type=type_, handling=EVENT_TYPES.get(type_, Handling.UNKNOWN), dedupe_key=_dedupe_key(inbound, given, type_)
    )
    return (identity,)


def _dedupe_key(inbound: Inbound, given: dict[str, Any], type_: str) -> str:
    window = int(inbound.received_at.timestamp()) // _SAME_SECONDS
    who = given["contact_id"] or given["phone"]
    same = json.dumps([who, type_, given["button"], given["order_id"]]).encode()
    is_tap = type_ == BUTTON and who and given["button"]
    return f"{hashlib.sha256(same if is_tap else inbound.body).hexdigest()}:{window}"


def _read(event: Stored, _account: Account, country: str) -> Understanding:
    given = _given(_parsed(event))
    type_ = _type(given)
    phone_raw = given["phone"]
    phone = (to_e164("+" + phone_raw.lstrip("+"), country) or to_e164(phone_raw, country)) if phone_raw else None
    order_id = fields.key_text(given["order_id"])
    # A free message says nothing of an order, even where the contact's field still holds the number of the last one.
    is_about_order = type_ == BUTTON or (order_id is not None and type_ in EVENT_TYPES and type_ != MESSAGE)
    return Understanding(
        type=type_,
        handling=EVENT_TYPES.get(type_, Handling.UNKNOWN),
        data=given | {"phone": phone, "phone_raw": phone_raw, "order_id": order_id},
        occurred_at=event.received_at,
        subject=f"phone:{phone.lstrip('+')}" if phone else None,
        order=OrderReference(order_id) if is_about_order else None,
        heard=Heard(phone, given["last_text_input"] if type_ == MESSAGE else given["button"])
        if phone and type_ in {MESSAGE, BUTTON}
        else None,
    )


def _parsed(event: Stored) -> Any:
    try:
        return parse_form(event.body) if is_form(event.content_type) else parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None


def _reply(account: CgbAccount, body: Any) -> dict[str, Any]:
    """Return what the flow is to show and do at once; the account has it by the name of the event."""
    return account.replies.get(fields.event_name(_given(body)["event"]) or "", {})


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://docs.chatrace.com (the External API Request step; no event is documented)",
    event_types=EVENT_TYPES,
    identify=_identify,
    read=_read,
    accepts_forms=True,
    reply=_reply,
)
