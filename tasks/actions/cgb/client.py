"""How ChatGPT Builder is asked, and what its answers mean.

Source: the vendor's API document 1.1 and what public integrations observed; both are in docs/vendors/cgb.md.
Invariant: an answer is a success only where nothing in it says no: failures also come with HTTP 200.
"""

import json
from collections.abc import Collection
from typing import Any

from config.accounts import CgbAccount
from tasks.actions.http import HttpSession
from tasks.actions.judging import Verdict, raise_verdict, verdict_of
from tasks.actions.operations import Ask
from worker.acting import Call
from worker.errors import PermanentError, RetryableError, UncertainError
from worker.states import Reason, Scope

_FAILURE = ("0", "false", "error", "failed")
_STATUS_VERDICTS = {
    401: Verdict(PermanentError, Reason.CREDENTIALS_REFUSED, scope=Scope.ACCOUNT),
    403: Verdict(PermanentError, Reason.FORBIDDEN, scope=Scope.ACCOUNT),  # of the token: contacts have no owners
}
# What a failure inside HTTP 200 says, in lower case, and what that amounts to; the first that occurs decides.
REFUSALS: tuple[tuple[str, Verdict], ...] = (
    ("api key", Verdict(PermanentError, Reason.CREDENTIALS_REFUSED, scope=Scope.ACCOUNT)),
    ("too many", Verdict(RetryableError, Reason.RATE_LIMITED)),
    ("rate limit", Verdict(RetryableError, Reason.RATE_LIMITED)),
    ("not found", Verdict(PermanentError, Reason.NOT_FOUND)),
    ("try again", Verdict(RetryableError, Reason.UNAVAILABLE, most_attempts=3)),
)
_REFUSED = Verdict(PermanentError, Reason.REJECTED)


def ask(call: Call, method: str, path: str, **given: Any) -> Any:
    """Send a request with the account's token; return the answer's body."""
    return _asked(call, method, path, (), given)


def asking(*done: int) -> Ask:
    """Return an `ask` that takes these statuses, in the vendor's own words, for "it is so already".

    A bare status may be a gateway's, which knows nothing of it.
    """

    def ask_(call: Call, method: str, path: str, **given: Any) -> Any:
        return _asked(call, method, path, done, given)

    return ask_


def _asked(call: Call, method: str, path: str, done: Collection[int], given: dict[str, Any]) -> Any:
    account, session = call.account, call.session
    assert isinstance(account, CgbAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    answer = session.request(method, path, headers=_credentials(account), **given)
    body = answer.json()
    if answer.status in done and isinstance(body, dict):
        return {}
    if verdict := verdict_of(answer.status, _STATUS_VERDICTS):
        raise_verdict(verdict, session, answer, _message(body))
    if not isinstance(body, dict | list):
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} without an answer in JSON")
    if _says_no(body):
        raise_verdict(_refusal(_message(body)), session, answer, _message(body))
    return body


def _credentials(account: CgbAccount) -> dict[str, str]:
    token = account.api_token.get_secret_value()
    return {account.auth_header: f"Bearer {token}" if account.auth_header.lower() == "authorization" else token}


def _says_no(body: Any) -> bool:
    if not isinstance(body, dict):
        return False
    success = body.get("success")
    return str(success).lower() in _FAILURE if success is not None else bool(body.get("error"))


def _refusal(said: str) -> Verdict:
    return next((verdict for words, verdict in REFUSALS if words in said.lower()), _REFUSED)


def _message(body: Any) -> str:
    said = (body.get("error") or body.get("message") or "") if isinstance(body, dict) else ""
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
