"""What follows when a platform refuses a send with one of WhatsApp's codes: one table for every vendor that sends so.

Invariant: a code that `worker.whatsapp` knows has a verdict here, with the same reason; a refusal has sent nothing.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tasks.actions.judging import Verdict
from worker.errors import PermanentError, RetryableError
from worker.states import Reason, Scope
from worker.whatsapp import REASONS, code_in

_HOUR = 3600.0

_BY_REASON: Mapping[Reason, Verdict] = {
    verdict.reason: verdict
    for verdict in (
        Verdict(PermanentError, Reason.CREDENTIALS_REFUSED, scope=Scope.ACCOUNT),
        Verdict(RetryableError, Reason.SERVER_ERROR),
        Verdict(RetryableError, Reason.UNAVAILABLE),
        Verdict(RetryableError, Reason.RATE_LIMITED, scope=Scope.ACCOUNT),  # the whole number is too fast
        # Meta's own advice: 4^n seconds, for this person only.
        Verdict(RetryableError, Reason.PAIR_RATE_LIMITED, scope=Scope.RECIPIENT, growth=4.0),
        Verdict(RetryableError, Reason.SPAM_LIMIT, scope=Scope.ACCOUNT, wait_seconds=4 * _HOUR),
        Verdict(PermanentError, Reason.INVALID_REQUEST),
        # Only marketing is held back, so other messages to this person go on; a second no is final.
        Verdict(RetryableError, Reason.HELD_BACK, most_attempts=2, wait_seconds=24 * _HOUR),
        Verdict(PermanentError, Reason.FORBIDDEN, scope=Scope.ACCOUNT),
        # Of this message only: blocked, no WhatsApp, or an old app, and the last two change without our knowing.
        Verdict(PermanentError, Reason.UNDELIVERABLE),
        Verdict(PermanentError, Reason.WRONG_ACCOUNT, scope=Scope.ACCOUNT),
        Verdict(PermanentError, Reason.PAYMENT_PROBLEM, scope=Scope.ACCOUNT),
        Verdict(PermanentError, Reason.OUTSIDE_WINDOW),
        Verdict(PermanentError, Reason.OPTED_OUT, scope=Scope.RECIPIENT),
        Verdict(RetryableError, Reason.MEDIA, most_attempts=2),
        Verdict(PermanentError, Reason.TEMPLATE),
        Verdict(RetryableError, Reason.TEMPLATE_STOPPED, scope=Scope.TEMPLATE, wait_seconds=3 * _HOUR),  # paused
    )
}
# Codes that differ from the others of their reason.
_BY_CODE: Mapping[int, Verdict] = {
    130472: Verdict(PermanentError, Reason.HELD_BACK),  # the user is in an experiment: this message never comes
    130497: Verdict(PermanentError, Reason.FORBIDDEN),  # of this person's country only
    131057: replace(_BY_REASON[Reason.UNAVAILABLE], scope=Scope.ACCOUNT, wait_seconds=60.0),
    132016: Verdict(PermanentError, Reason.TEMPLATE_STOPPED, scope=Scope.TEMPLATE),  # disabled for good
    132069: Verdict(RetryableError, Reason.RATE_LIMITED),  # one flow's limit, not the number's
    135000: replace(_BY_REASON[Reason.SERVER_ERROR], most_attempts=2),
}
VERDICTS: Mapping[int, Verdict] = {code: _BY_CODE.get(code, _BY_REASON[reason]) for code, reason in REASONS.items()}
"""By code."""


def verdict_in(said: Any) -> Verdict | None:
    """Return what the code in a refusal amounts to; None when there is none, or none that is known."""
    code = code_in(said)
    return None if code is None else VERDICTS.get(code)
