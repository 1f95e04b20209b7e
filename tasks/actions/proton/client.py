"""How Proton is asked, and what its answers mean.

Source: the vendor's Postman collection. Three headers prove the caller; errors carry a code of the vendor's own.
Invariant: a success is 2xx with a JSON object that has no `status_message`, or one that says success in any case.
"""

import json
from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from config.accounts import ProtonAccount
from tasks.actions.http import Answer, HttpSession
from tasks.actions.judging import Verdict, looking, raise_verdict, verdict_of
from worker.acting import Call
from worker.errors import PermanentError, UncertainError
from worker.states import Reason

# By the vendor's code, before the status counts.
_CODE_VERDICTS = {
    # A 401 with this code is about who made the record; the key is good.
    "UNAUTHORIZED": Verdict(PermanentError, Reason.FORBIDDEN),
}
_GONE = "NOT_FOUND"
_MOST_MESSAGE_CHARACTERS = 300


def ask(call: Call, method: str, path: str, **given: Any) -> Any:
    """Send a request in the company's name; return `data` where there is an envelope, else the body."""
    return _content(_asked(call, method, path, (), given).json())


def ask_until_gone(call: Call, method: str, path: str, **given: Any) -> Any:
    """Ask likewise, and take the vendor's own NOT_FOUND for done; a bare 404 may be a gateway's."""
    return _content(_asked(call, method, path, (_GONE,), given).json())


def look(call: Call, path: str) -> Any:
    """Read a record that is to be changed, its numbers as numbers; None when there is none."""
    with looking():
        answer = _asked(call, "GET", path, (_GONE,), {})
    return None if answer.status >= 400 else _content(json.loads(answer.body))


def _asked(call: Call, method: str, path: str, done: Collection[str], given: dict[str, Any]) -> Answer:
    account, session = call.account, call.session
    assert isinstance(account, ProtonAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    headers = {
        "X-Api-Key": account.api_key.get_secret_value(),
        "X-Company": account.company,
        "X-User-Id": account.user_id,
    }
    answer = session.request(method, f"/{quote(account.company, safe='')}{path}", headers=headers, **given)
    body = answer.json()
    if verdict := verdict_of(answer.status, {}):
        code, message = _error(body)
        if code in done:
            return answer
        raise_verdict(_CODE_VERDICTS.get(code, verdict), session, answer, message)
    if not isinstance(body, dict):
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} without a JSON object")
    said = body.get("status_message")
    if said is not None and str(said).lower() != "success":
        text = f"HTTP {answer.status}, but Proton says {said}: {_error(body)[1]}"
        raise PermanentError(Reason.REJECTED, text[:_MOST_MESSAGE_CHARACTERS])
    return answer


def _content(body: Any) -> Any:
    """Return what an answer says, out of its envelope where there is one."""
    return body.get("data", body) if isinstance(body, dict) else body


def _error(body: Any) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code", "")), str(error.get("message", ""))
