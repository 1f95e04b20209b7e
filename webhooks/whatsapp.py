"""What all sources of WhatsApp events read in one way: reports on messages, and the ids of buttons of our own.

Invariant: every source gives one form of report, whatever its vendor's words; nothing here raises.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from webhooks import fields
from worker.reading import Receipt
from worker.states import MessageState
from worker.whatsapp import code_in, reason_of, state_of

_ORDER_WORDS = (
    "order", "confirm", "cancel", "pay", "track", "return", "reschedule",
    "pesanan", "konfirmasi", "batal", "bayar", "lacak", "retur",
)  # fmt: skip
# Only with one of these words: `slot:2` names no order.
_OF_ORDER = re.compile(rf"(?:{'|'.join(_ORDER_WORDS)}):(?=[^:]*\d)([A-Za-z0-9][\w.#/-]{{2,63}})", re.IGNORECASE)


def order_of_button(button_id: str | None) -> str | None:
    """Return the order that a button of our own names by its id, such as `confirm:ORD-1`; None where it is not sure."""
    found = _OF_ORDER.fullmatch(button_id or "")
    return found[1] if found else None


def report(word: Any, failed_reason: Any) -> dict[str, str | None]:
    """Return `status`, `status_raw`, `error_code` and `reason` of a report: a platform's word, and why it failed.

    A code means that the message failed, whatever the word says.
    """
    code = code_in(failed_reason) if failed_reason else None
    state = MessageState.FAILED if code is not None else state_of(word)
    return {
        "status": state,
        "status_raw": fields.key_text(word),
        "error_code": None if code is None else str(code),
        "reason": reason_of(code) if state is MessageState.FAILED else None,
    }


def receipt_of(data: Mapping[str, Any], at: datetime, reference: str | None = None) -> Receipt | None:
    """Return what a report says of one of our messages; None when it does not say which, or how far it came."""
    message_id, state = data["message_id"], data["status"]
    if not message_id or not state:
        return None
    return Receipt(message_id, state, at, data["error_code"], data["reason"], reference)
