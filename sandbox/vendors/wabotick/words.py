"""Wabotick's own words for what went wrong, as its documents and its sisters print them, misspellings included.

Invariant: clients match on these texts, so a word changes only when the vendor changes it.
"""

from sandbox.exchange import Answer, Call
from sandbox.whatsapp_errors import error_of

ACCOUNT_NOT_FOUND = "WhatsApp account not found."
BUTTON_COUNT = "You can send between 1 and 3 reply buttons."
COUNT_MISMATCH = "(#132000) Number of parameters does not match the expected number of params"
MEDIA_HEADER_MISSING = "(#132012) Parameter format does not match format in the created template"
MEDIA_MISSING = "One of media_url, media_id and media_file is required."
NOT_MAPPED = "Message template variables are not mapped."
NOT_TRANSLATED = "(#132001) Template name does not exist in the translation"
OUTSIDE_WINDOW = (
    "Sending message outside 24 hour window is not allowed. You can only send template message to this user."
)
PARAMETER_TEXT = "(#100) Param text cannot be empty, have new-line/tab characters or more than 4 consecutive spaces"
SUBSCRIBER_EXISTS = "Something went wrong or subscriber already exist."
SUBSCRIBER_LIMIT = "Subscriber limit has been exceeded. You cannot have more subscribers."
SUBSCRIBER_NOT_FOUND = "Subscriber not found"
TEMPLATE_NOT_FOUND = "Message template not found."
TRIGGER_FAILED = "Something went wrong when trigger the bot flow."

# What a template of this status answers; an approved one is sent.
UNSENDABLE = {
    "Rejected": NOT_TRANSLATED,
    "Pending": NOT_TRANSLATED,
    "Paused": "(#132015) Template is paused",
    "Disabled": "(#132016) Template is disabled",
}

# Where the platform has its own words for Meta's code.
_FAILED = {
    131026: "Message Undeliverable.",
    131049: "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
}


def failure(message: str, status: int = 200) -> Answer:
    """Return a failure: status "0" in HTTP 200, unless the document gives another HTTP status."""
    return Answer(status, {"status": "0", "message": message}, refusal=message)


def failed_reason(code: int | None) -> str:
    """Say in the platform's form why a message failed."""
    return "" if code is None else f"(Error Code : {code} ){_FAILED.get(code, f'{error_of(code).title}.')}"


def checked(call: Call, *required: str) -> Answer | None:
    """Refuse a call that lacks a required parameter or sends an empty one."""
    for name in required:
        value = call.params.get(name)
        if not isinstance(value, str) or not value.strip():
            return failure(f"The {name.replace('_', ' ')} field is required.")
    return None
