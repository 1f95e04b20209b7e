"""Wabotick's own words for what went wrong, as its documents and its sisters print them, misspellings included.

Invariant: clients match on these texts, so a word changes only when the vendor changes it.
"""

from sandbox.exchange import Answer, Call

ACCOUNT_NOT_FOUND = "WhatsApp account not found."
BUTTON_COUNT = "You can send between 1 and 3 reply buttons."
COUNT_MISMATCH = "(#132000) Number of parameters does not match the expected number of params"
MEDIA_HEADER_MISSING = "(#132012) Parameter format does not match format in the created template"
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
UNDELIVERABLE = "(Error Code : 131026 )Message Undeliverable."


def failure(message: str, status: int = 200) -> Answer:
    """Return a failure: status "0" in HTTP 200, unless the document gives another HTTP status."""
    return Answer(status, {"status": "0", "message": message}, refusal=message)


def checked(call: Call, *required: str) -> Answer | None:
    """Refuse a call that lacks a required parameter or sends an empty one."""
    for name in required:
        value = call.params.get(name)
        if not isinstance(value, str) or not value.strip():
            return failure(f"The {name.replace('_', ' ')} field is required.")
    return None
