"""The words for what people press: in stories, on pages and in commands the same.

Invariant: every press has words; a row of the audit from another time is told by its name.
"""

from collections.abc import Mapping

from console.stories.wording import plain, words
from worker.states import Press

PRESSED: Mapping[str, str] = {
    Press.RETRY: "tried it again",
    Press.CANCEL: "cancelled it",
    Press.REPLAY: "had the rules asked again",
    Press.RESOLVE_SENT: "said that it was sent",
    Press.RESOLVE_NOT_SENT: "said that it was not sent, so it is sent again",
    Press.BEGIN_JOB: "began to press many at once",
    Press.STOP_JOB: "stopped pressing many at once",
    Press.BEGIN_BACKTEST: "began to play what was recorded",
    Press.STOP_BACKTEST: "stopped playing what was recorded",
    Press.PAUSE: "paused it",
    Press.RESUME: "resumed it",
    Press.CLOSE: "lifted the hold",
    Press.CONSENT_STOP: "wrote down that the person wants no more messages",
    Press.CONSENT_START: "wrote down that the person wants messages again",
    Press.RELEASE: "released it from quarantine",
    Press.DISCARD: "threw it out of quarantine",
    Press.SEND: "sent it, as a test",
    Press.REVEAL: "looked at personal data",
    Press.USER_ADDED: "added the user",
    Press.USER_ROLE: "gave the user another role",
    Press.USER_PASSWORD: "gave the user another password",
    Press.USER_REMOVED: "removed the user",
}


def press_words(action: str) -> str:
    """Return what somebody did, as a clause behind their name."""
    return PRESSED.get(action) or words(plain(action))
