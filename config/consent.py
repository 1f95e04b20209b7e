"""The words by which a person asks for no more messages, or for messages again.

Invariant: a word counts only as a whole message; one that only holds it ("please stop by tomorrow") does not.
"""

import unicodedata

STOP_WORDS = (
    "stop", "stop all", "stop promo", "stop promosi", "stop iklan", "unsubscribe", "unsub", "opt out",
    "berhenti", "berhenti langganan", "berhenti berlangganan", "jangan kirim lagi", "jangan hubungi lagi",
    "jangan chat lagi",
)  # fmt: skip
"""As shipped, in English and Indonesian. What may as well cancel an order ("batal", "cancel") is not among them."""
START_WORDS = ("start", "unstop", "subscribe", "opt in", "mulai", "mulai lagi", "langganan", "berlangganan")


def whole(message: str) -> str:
    """Return a message without case, blanks, punctuation and pictures, so that one word is always the same."""
    plain = unicodedata.normalize("NFKC", message).casefold()
    return "".join(character for character in plain if character.isalnum())
