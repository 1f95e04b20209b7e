"""What each reason, and each of WhatsApp's codes, means for the shop, and what to do about it.

Invariant: every reason has a meaning; one that needs a person has an advice too.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from worker.states import Reason


@dataclass(frozen=True)
class Advice:
    """A meaning, and what to do; nothing to do where that is empty."""

    meaning: str
    to_do: str = ""


_RETRY = "Retry it once that is mended."
_BY_ITSELF = "Nothing to do: it is tried again by itself."
_LOOK = "Look at the vendor whether it happened, then say which."

ADVICE: Mapping[str, Advice] = {
    Reason.CONNECT_FAILED: Advice("the vendor could not be reached; nothing was sent", _BY_ITSELF),
    Reason.RATE_LIMITED: Advice("the vendor wants fewer calls for now", _BY_ITSELF),
    Reason.PAIR_RATE_LIMITED: Advice("too many messages to this person in a short time", _BY_ITSELF),
    Reason.SERVER_ERROR: Advice("the vendor had a fault of its own", _BY_ITSELF),
    Reason.UNAVAILABLE: Advice("the vendor is out of service for now", _BY_ITSELF),
    Reason.NOT_YET: Advice("something that it needs is not there yet", _BY_ITSELF),
    Reason.TIMEOUT: Advice("it was sent, and no answer came in time", _LOOK),
    Reason.CONNECTION_LOST: Advice("it was sent, and the connection broke before an answer", _LOOK),
    Reason.UNREADABLE_ANSWER: Advice("it was sent, and the answer cannot be read", _LOOK),
    Reason.NO_MESSAGE_ID: Advice("it was sent, and the answer does not say as which message", _LOOK),
    Reason.LEASE_EXPIRED: Advice("the worker was lost while it was at it", _LOOK),
    Reason.CREDENTIALS_REFUSED: Advice(
        "the vendor refuses the account's key", "Put a valid key into the configuration, restart, then retry."
    ),
    Reason.FORBIDDEN: Advice(
        "the vendor does not allow this with the account's key",
        "Give the key the right to do it at the vendor, or take the step out of the rule.",
    ),
    Reason.NOT_FOUND: Advice(
        "the vendor does not know what it is about", "See whether it was deleted there, or its number is wrong."
    ),
    Reason.INVALID_REQUEST: Advice("the vendor refused what was asked", f"Its words say what is wrong. {_RETRY}"),
    Reason.REJECTED: Advice("the vendor refused it", f"Its words say why. {_RETRY}"),
    Reason.ACCOUNT_LIMIT: Advice(
        "the account's plan allows no more", "Raise the plan's limit at the vendor, then retry."
    ),
    Reason.WRONG_ACCOUNT: Advice(
        "the number or account it was sent from is not ready or not the right one",
        "See that the account's number is registered and is the one in the configuration, then retry.",
    ),
    Reason.PRIVATE_ADDRESS: Advice(
        "the address it should go to is inside a private network", "Use an address that is reachable from outside."
    ),
    Reason.OUTSIDE_WINDOW: Advice(
        "the person has not written within 24 hours, so only a template may be sent",
        "Send a template in place of it, or wait until the person writes.",
    ),
    Reason.TEMPLATE: Advice(
        "the message template is unknown, or its values do not fit it",
        "Compare the rule's template and variables with the template at the vendor, then retry.",
    ),
    Reason.TEMPLATE_STOPPED: Advice(
        "WhatsApp has paused or disabled the template",
        "Once it is approved again, lift the hold of the template, then retry.",
    ),
    Reason.MEDIA: Advice(
        "the picture or file could not be sent", "See that its address opens, and its kind and size are allowed."
    ),
    Reason.UNDELIVERABLE: Advice(
        "the message cannot be delivered to this number",
        "Ask the person by other means whether the number is right and has WhatsApp.",
    ),
    Reason.OPTED_OUT: Advice("the person wants no more such messages", "Leave it so, unless the person asks for them."),
    Reason.HELD_BACK: Advice(
        "WhatsApp holds it back, as the person gets many such messages", "Nothing to do; a later message may pass."
    ),
    Reason.SPAM_LIMIT: Advice(
        "WhatsApp limits the number, as people reported its messages",
        "Send less and only what is wanted; the vendor's dashboard shows the number's rating.",
    ),
    Reason.PAYMENT_PROBLEM: Advice("the account's bill at the vendor is not paid", "Pay it there, then retry."),
    Reason.EXHAUSTED: Advice(
        "it was tried as often and as long as allowed, in vain", "See why the last try failed, then retry."
    ),
    Reason.EXPRESSION: Advice("the rule's expression has no value here", "Mend the rule, then retry."),
    Reason.INVALID_PARAMETERS: Advice(
        "a value that the rule gives is not valid", "Mend the rule or the data, then retry."
    ),
    Reason.RULE_MISSING: Advice(
        "its rule, step, action or account is not configured any more", "Configure it again and retry, or cancel it."
    ),
    Reason.UNREADABLE_EVENT: Advice(
        "what came in cannot be read", "See that its account is configured, then replay the event."
    ),
    Reason.COMPLETION_FAILED: Advice(
        "what the event leaves out could not be learned from the vendor", "Retry that read, or replay the event."
    ),
    Reason.CONFIGURATION: Advice("the configuration does not allow it", f"Mend the configuration. {_RETRY}"),
    Reason.BUG: Advice("a fault of Hookyard", "The log has more; please report it."),
    Reason.DUPLICATE_EFFECT: Advice("another delivery does the same, so that it is done once"),
    Reason.NOT_NEEDED: Advice("it was not needed any more"),
    Reason.OVERTAKEN: Advice("something happened that makes it superfluous"),
    Reason.NEED_FAILED: Advice("a step before it did not succeed", "Mend and retry that step; this one then goes on."),
    Reason.STALE: Advice("something newer is known already"),
    Reason.SPAM: Advice("the order is probably spam", "If it is none, mark it so at the shop."),
    Reason.LOOP: Advice("a write of the same rule led to it"),
    Reason.PACED: Advice("it waits for its turn, as the account is called no faster than allowed", _BY_ITSELF),
    Reason.OUTDATED: Advice("it could only be sent after it was of use"),
    Reason.QUIET_HOURS: Advice("the shop sends no messages at this hour"),
    Reason.AMBIGUOUS: Advice("it could mean several things, and nothing is guessed", "See what the person meant."),
    Reason.AWAITING_DELIVERY: Advice("it was sent; nothing has told yet that it arrived"),
    Reason.NOT_DELIVERED: Advice(
        "it was sent, and nothing told in time that it arrived", "See in the vendor's chat whether it did; else retry."
    ),
    Reason.PAUSED: Advice("somebody paused its account or rule", "Resume it when it may go on."),
    Reason.BY_OPERATOR: Advice("somebody decided it"),
}

_CODES: Mapping[str, str] = {
    "130429": "too many messages in a short time",
    "130472": "the person takes part in a WhatsApp experiment and gets no marketing messages",
    "130497": "the business may not message people of this country",
    "131026": "the number has no WhatsApp, or cannot get this message",
    "131031": "the business account is locked",
    "131037": "the number has no approved display name",
    "131042": "the payment method of the business account does not work",
    "131045": "the number is not registered",
    "131047": "more than 24 hours since the person last wrote",
    "131048": "too many messages of this number were reported or blocked",
    "131049": "WhatsApp held it back to keep people from too many messages",
    "131050": "the person has stopped marketing messages of this business",
    "131051": "this kind of message is not supported",
    "131052": "the file could not be downloaded",
    "131053": "the file could not be uploaded",
    "131056": "too many messages to this person in a short time",
    "132000": "the template has another number of variables",
    "132001": "there is no such template in this language",
    "132005": "the text is too long with the variables filled in",
    "132007": "the template breaks WhatsApp's rules",
    "132012": "a variable has another form than the template wants",
    "132015": "the template is paused, as people did not like it",
    "132016": "the template is disabled",
}
"""WhatsApp's codes, in a shop's words, where they say more than their reason."""


def advice_of(reason: str | None, code: str | None = None) -> Advice | None:
    """Return what a reason, and a code of WhatsApp's, mean; None where nothing is known."""
    known = ADVICE.get(reason or "")
    meaning = _CODES.get(code or "")
    if meaning is None:
        return known
    return Advice(meaning, known.to_do if known else "")
