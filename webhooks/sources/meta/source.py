"""Meta's WhatsApp Cloud API: signed calls, each a batch of messages of people and of reports on ours.

Source: Meta's pages on webhooks. Verified by HMAC of the raw bytes; everything in a call is an event of its own; a call
that is not answered 200 comes again for days, so each message and each report is known by its id.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from config.accounts import Account, MetaAccount
from webhooks import fields
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.sources.meta import messages
from webhooks.sources.meta.messages import POSTBACK, RECEIVED, STATUS, UNRECOGNIZED, Piece, pieces
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from webhooks.whatsapp import receipt_of
from worker.reading import Heard, OrderReference, Stored, Understanding, UnreadableError
from worker.states import Handling

VENDOR = "meta"
_MOST_DEPTH = 200

EVENT_TYPES = {
    RECEIVED: Handling.HANDLED,
    POSTBACK: Handling.HANDLED,  # a button of a template or a message, or a row of a list, was tapped
    STATUS: Handling.HANDLED,
}


def _challenge(account: MetaAccount, query: Mapping[str, str]) -> str | None:
    wanted, shown = account.verify_token.get_secret_value(), query.get("hub.verify_token", "")
    is_ours = hmac.compare_digest(wanted.encode(), shown.encode("utf-8", "surrogatepass"))
    return query.get("hub.challenge") if is_ours and query.get("hub.mode") == "subscribe" else None


def _identify(inbound: Inbound, body: Any, _match: Match, _account: Account) -> tuple[Identity, ...]:
    found = [_identity(piece) for piece in pieces(body)]
    if not found:
        digest = hashlib.sha256(inbound.body).hexdigest()
        return (Identity(UNRECOGNIZED, Handling.UNKNOWN, f"sha256:{digest}"),)
    # In one order whatever the call's: two calls that tell the same must not wait for each other's rows crosswise.
    return tuple(sorted(found, key=lambda identity: identity.dedupe_key))


def _identity(piece: Piece) -> Identity:
    return Identity(
        type=piece.type,
        handling=EVENT_TYPES.get(piece.type, Handling.UNKNOWN),
        dedupe_key=_dedupe_key(piece),
        occurred_at=fields.moment(fields.at(piece.content, "timestamp")),
        part=piece.part,
    )


def _dedupe_key(piece: Piece) -> str:
    message_id = fields.first_key(piece.content, ("id",))
    word = fields.first_key(piece.content, ("status",)) or ""
    if message_id and piece.type == STATUS and len(word) < 40:
        return f"status:{message_id}:{word.lower()}"
    if message_id and piece.type in {RECEIVED, POSTBACK}:
        return f"message:{message_id}"
    return f"sha256:{hashlib.sha256(_canonical(piece.content)).hexdigest()}"


def _canonical(content: Any) -> bytes:
    return json.dumps(fields.jsonable(content), sort_keys=True).encode()


def _read(event: Stored, account: Account, country: str) -> Understanding:
    try:
        body = parse_json(event.body, _MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    if event.part is None:
        given = fields.jsonable(body) if isinstance(body, dict) else {}
        return Understanding(UNRECOGNIZED, Handling.UNKNOWN, given, event.received_at)
    piece = next((piece for piece in pieces(body) if piece.part == event.part), None)
    if piece is None:
        raise UnreadableError("the body has nothing at the place where the event stood")
    return _understood(piece, event, account, country)


def _understood(piece: Piece, event: Stored, account: Account, country: str) -> Understanding:
    assert isinstance(account, MetaAccount)  # noqa: S101 - the registry's promise, told to mypy
    given = fields.jsonable(piece.content) if isinstance(piece.content, Mapping) else {}
    at = fields.moment(fields.at(piece.content, "timestamp")) or event.received_at
    if piece.type not in EVENT_TYPES:
        return Understanding(piece.type, Handling.UNKNOWN, given, at)
    is_report = piece.type == STATUS
    words = messages.status(piece) if is_report else messages.message(piece)
    data = given | messages.about(piece, account.phone_number_id, country) | words
    phone, is_said_to_us = data["phone"], data["is_own_number"] and not is_report
    return Understanding(
        type=piece.type, handling=EVENT_TYPES[piece.type], data=data, occurred_at=at,
        subject=f"phone:{phone.lstrip('+')}" if phone else None,
        order=OrderReference(None, data["replied_to"], data["button_order_id"]) if piece.type == POSTBACK else None,
        receipt=receipt_of(data, at, data["reference"]) if is_report else None,
        heard=Heard(phone, data["title"] or data["text"]) if phone and is_said_to_us else None,
    )  # fmt: skip


SOURCE = Source(
    vendor=VENDOR,
    documentation="https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks",
    event_types=EVENT_TYPES,
    identify=_identify,
    read=_read,
    challenge=_challenge,
)
