"""How Scalev's API is asked, version 3: the key, the business, and what an answer amounts to.

Source: developers.scalev.com and the OpenAPI v3 file. A success is the resource itself; errors carry `error`, which
may be of any type, and sometimes `message`. No idempotency key exists; 100 requests in 10 s and 10,000 an hour.
Invariant: every request goes through `ask`; what it returns was a success.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from config.accounts import ScalevAccount
from tasks.actions.http import Answer, HttpSession
from tasks.actions.judging import MOST_MESSAGE_CHARACTERS, Verdict, raise_verdict, verdict_of
from tasks.actions.operations import Ask
from tasks.actions.whatsapp import verdict_in
from worker.acting import Call
from worker.errors import PermanentError, RetryableError, UncertainError
from worker.states import Reason, Scope

_STATUS_VERDICTS = {
    # Two changes at once: the vendor's own client repeats it, too.
    409: Verdict(RetryableError, Reason.NOT_YET, most_attempts=6),
    # The limit is the key's, whatever was asked.
    429: Verdict(RetryableError, Reason.RATE_LIMITED, scope=Scope.ACCOUNT),
}
_WHATSAPP = "/waba-accounts/"
_LONGEST_WAIT_SECONDS = 3_600.0
_LEAST_EPOCH_SECONDS = 1e9


def ask(call: Call, method: str, path: str, **given: Any) -> Any:
    """Ask with the account's key; return the answer's JSON, None where a success has no body."""
    account, session = call.account, call.session
    assert isinstance(account, ScalevAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    headers = {"Authorization": f"Bearer {account.api_key.get_secret_value()}", **given.pop("headers", {})}
    if account.business_unique_id:
        given["params"] = {**given.get("params", {}), "b_uid": account.business_unique_id}
    answer: Answer = session.request(method, path, headers=headers, **given)
    body = answer.json()
    if verdict := verdict_of(answer.status, _STATUS_VERDICTS):
        _refuse(session, answer, (path.startswith(_WHATSAPP) and verdict_in(body)) or verdict, body)
    if body is None and answer.status != 204:
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} without a JSON body")
    if isinstance(body, dict) and body.get("failures"):
        raise PermanentError(Reason.REJECTED, _failed(body))
    return body


def done_when(*statuses: int) -> Ask:
    """Return an `ask` that takes these statuses, in Scalev's own words, for "it is so already".

    A 404 without them may come from anything on the way, and says nothing of what was asked for.
    """

    def ask_or_done(call: Call, method: str, path: str, **given: Any) -> Any:
        try:
            return ask(call, method, path, **given)
        except (PermanentError, RetryableError):
            [*_, last] = call.session.exchanges
            said = last.get("answer", {})
            if said.get("status") in statuses and isinstance(said.get("body"), dict) and "error" in said["body"]:
                return None
            raise

    return ask_or_done


def _refuse(session: HttpSession, answer: Answer, verdict: Verdict, body: Any) -> NoReturn:
    if answer.status == 429 and session.retry_after_seconds(answer) is None:
        verdict = replace(verdict, wait_seconds=_reset_seconds(session, answer))
    raise_verdict(verdict, session, answer, _message(body))


def _reset_seconds(session: HttpSession, answer: Answer) -> float | None:
    """Return how long the limit holds, by its header: seconds from now or of the epoch, that is not documented."""
    text = answer.headers.get("x-ratelimit-reset", "").strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 14):
        return None
    seconds = float(text)
    if seconds >= _LEAST_EPOCH_SECONDS:
        seconds = (seconds / 1000 if seconds >= _LEAST_EPOCH_SECONDS * 1000 else seconds) - session.clock().timestamp()
    return min(max(seconds, 0.0), _LONGEST_WAIT_SECONDS)


def _message(body: Any) -> str:
    if not isinstance(body, dict):
        return ""
    said = [body.get(name) for name in ("message", "error", "error_code", "errors")]
    return "; ".join(str(part) for part in said if isinstance(part, str | dict | list) and part)


def _failed(body: Mapping[str, Any]) -> str:
    """Say which of several were refused; those that were not have happened."""
    failures, successes = body["failures"], body.get("successes")
    text = "Scalev refused some of them"
    if isinstance(failures, Mapping):
        done = len(successes) if isinstance(successes, Mapping | list) else 0
        which = "; ".join(f"{name}: {why}" for name, why in failures.items())
        text = f"Scalev refused {len(failures)} of {len(failures) + done}: {which}"
    return text[:MOST_MESSAGE_CHARACTERS]
