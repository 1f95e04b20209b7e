"""WhatsApp's error codes, wherever a platform shows them: what each amounts to, in our words.

Every platform that sends through WhatsApp passes Meta's numbers on, inside text or as objects; sources read them out of
delivery reports, actions out of answers. Source: Meta's page of Cloud API error codes.
Invariant: `code_in` finds a code or gives None, and `reason_of` knows a reason for every code; neither raises.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from worker.states import MessageState, Reason

# Reason: the codes that amount to it.
_CODES: Mapping[Reason, tuple[int, ...]] = {
    Reason.CREDENTIALS_REFUSED: (0, 3, 10, 190, *range(200, 220)),
    Reason.SERVER_ERROR: (1, 2, 131000, 135000),
    Reason.UNAVAILABLE: (131016, 131057, 133004),
    Reason.RATE_LIMITED: (4, 80007, 130429, 132069),
    Reason.PAIR_RATE_LIMITED: (131056,),
    Reason.SPAM_LIMIT: (131048,),
    Reason.INVALID_REQUEST: (33, 100, 131008, 131009, 131021, 131051),
    Reason.HELD_BACK: (130472, 131049),
    Reason.FORBIDDEN: (130497, 131005, 131031, 368),
    Reason.UNDELIVERABLE: (131026,),
    Reason.WRONG_ACCOUNT: (131037, 131045, 133010),
    Reason.PAYMENT_PROBLEM: (131042,),
    Reason.OUTSIDE_WINDOW: (131047,),
    Reason.OPTED_OUT: (131050,),
    Reason.MEDIA: (131052, 131053),
    Reason.TEMPLATE: (132000, 132001, 132005, 132007, 132012),
    Reason.TEMPLATE_STOPPED: (132015, 132016),
}
REASONS: Mapping[int, Reason] = {code: reason for reason, codes in _CODES.items() for code in codes}
"""By code."""

# Platforms' words for how far a message came, beside our own.
_STATES: Mapping[str, MessageState] = {state.value: state for state in MessageState} | {
    "undelivered": MessageState.FAILED
}

_IN_TEXT = re.compile(
    r"""Error\s+Code\s*:\s*(?P<platform>[0-9]{1,9})"""  # (Error Code : 131026 )Message Undeliverable.
    r"""|\(\#(?P<graph>[0-9]{1,9})\)"""  # (#132000) Number of parameters …
    r"""|"code"\s*:\s*"?(?P<object>[0-9]{1,9})\b""",  # {"errors": [{"code": 131047, …
    re.IGNORECASE,
)


def code_in(said: Any) -> int | None:
    """Return the first of WhatsApp's codes in what a platform said: a text, or an object such as Meta's errors."""
    try:
        text = said if isinstance(said, str) else json.dumps(said, default=str)
    except (ValueError, TypeError, RecursionError):
        return None
    found = _IN_TEXT.search(text)
    return int(next(digits for digits in found.groups() if digits)) if found else None


def reason_of(code: int | None) -> Reason:
    """Return what a code amounts to; one that is not known, or none at all, is a rejection."""
    return Reason.REJECTED if code is None else REASONS.get(code, Reason.REJECTED)


def state_of(word: Any) -> MessageState | None:
    """Return how far a message came, from a platform's word for it; None when the word is not known."""
    return _STATES.get(word.strip().lower()) if isinstance(word, str) else None
