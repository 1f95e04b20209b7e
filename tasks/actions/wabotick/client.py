"""How Wabotick is asked, and what its answers mean behind their disguises.

Source: the vendor's API page, and pages of sister products on the same code base. Everything is a form; a failure is
HTTP 200 with a `status` that says so in one of five spellings; a `message` is text, a list, an object, JSON inside a
text, or an object keyed "0", "1". Invariant: nothing is taken for a success that does not say it is one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from config.accounts import WabotickAccount
from tasks.actions.http import Answer, HttpSession
from tasks.actions.judging import Verdict, error_of, raise_verdict, verdict_of
from tasks.actions.whatsapp import verdict_in
from webhooks import fields
from worker.acting import Call
from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.ledger.storable import storable
from worker.states import Reason, Scope

_SUCCESS = ("1", "true", "success")
_FAILURE = ("0", "false", "error", "failed")

# What a failure says, in lower case, and what that amounts to; the first that occurs decides. A code decides before.
REJECTIONS: tuple[tuple[str, Verdict], ...] = (
    ("subscriber limit has been exceeded", Verdict(PermanentError, Reason.ACCOUNT_LIMIT, scope=Scope.ACCOUNT)),
    ("whatsapp account not found", Verdict(PermanentError, Reason.WRONG_ACCOUNT, scope=Scope.ACCOUNT)),
    ("outside 24 hour window", Verdict(PermanentError, Reason.OUTSIDE_WINDOW)),
    ("message template not found", Verdict(PermanentError, Reason.TEMPLATE)),
    ("does not exist in the translation", Verdict(PermanentError, Reason.TEMPLATE)),
    ("number of parameters does not match", Verdict(PermanentError, Reason.TEMPLATE)),
    ("between 1 and 3 reply buttons", Verdict(PermanentError, Reason.INVALID_REQUEST)),
    ("media_type must be one of", Verdict(PermanentError, Reason.INVALID_REQUEST)),
    ("unauthenticated", Verdict(PermanentError, Reason.CREDENTIALS_REFUSED, scope=Scope.ACCOUNT)),
    ("authentication failed", Verdict(PermanentError, Reason.CREDENTIALS_REFUSED, scope=Scope.ACCOUNT)),
    ("temporarily unavailable", Verdict(RetryableError, Reason.UNAVAILABLE)),
    # The record appears a second or two after the first message to a person: five more tries take ten seconds.
    ("subscriber not found", Verdict(RetryableError, Reason.NOT_YET, most_attempts=6, wait_seconds=2.0, growth=1.0)),
)
# Rejected with other words: nothing was done, so a few repeats cannot double it.
REJECTED = Verdict(RetryableError, Reason.REJECTED, most_attempts=3)
# Without a token the vendor redirects to its login page.
_STATUS_VERDICTS = {
    status: Verdict(PermanentError, Reason.CREDENTIALS_REFUSED, scope=Scope.ACCOUNT)
    for status in (301, 302, 303, 307, 308, 401)
}
# Most calls name the sending number; these do it in another way, or not at all.
_NUMBER_AS: Mapping[str, str | None] = {
    "/whatsapp/subscriber/create": "phoneNumberID",
    "/whatsapp/account/connect": None,
    "/whatsapp/get/message-status": None,
    "/whatsapp/subscriber/custom-fields/list": None,
    "/whatsapp/catalog/list": None,
    "/whatsapp/catalog/sync": None,
    "/whatsapp/catalog/order/list": None,
    "/whatsapp/catalog/order/status-change": None,
}
# What rows of an answer hold that must not be written down: an access token of Meta's, what people wrote.
_NEVER_KEPT: Mapping[str, frozenset[str]] = {
    "/whatsapp/template/list": frozenset({"template_json"}),
    "/whatsapp/get/conversation": frozenset({"message_content"}),
    "/whatsapp/catalog/order/list": frozenset({"shipping_address"}),
}


@dataclass(frozen=True)
class Said:
    """One answer, out of its disguises."""

    answer: Answer
    body: Any
    status: str | None
    """`status` in lower case, whatever its type; None where the answer is no object."""
    words: str

    @property
    def failed(self) -> bool:
        """Whether it says itself that nothing was done."""
        return self.status in _FAILURE


def ask(call: Call, method: str, path: str, **given: Any) -> dict[str, Any]:
    """Send a form with the account's credentials; return the body of a success."""
    return judged(call, hear(call, method, path, **given))


def hear(call: Call, method: str, path: str, **given: Any) -> Said:
    """Send a form with the account's credentials; return what is answered, whatever it is."""
    account, session = call.account, call.session
    assert isinstance(account, WabotickAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    credentials = {"apiToken": account.api_token.get_secret_value()}
    if number := _NUMBER_AS.get(path, "phone_number_id"):
        credentials[number] = account.phone_number_id
    answer = session.request(method, path, **{**given, "data": credentials | given.get("data", {})})
    body = answer.json()
    if path in _NEVER_KEPT:
        session.exchanges[-1]["answer"]["body"] = _without(body, _NEVER_KEPT[path])
    return Said(answer, body, str(body.get("status")).lower() if isinstance(body, dict) else None, words_of(body))


def judged(call: Call, said: Said) -> dict[str, Any]:
    """Return the body of a success; what it says decides, not the HTTP status."""
    session, answer = call.session, said.answer
    verdict = verdict_of(answer.status, _STATUS_VERDICTS)
    if said.failed:
        raise_verdict(_rejection(said.words, verdict), session, answer, said.words)
    if verdict:
        raise_verdict(verdict, session, answer, said.words)
    if said.status is None and "html" in answer.headers.get("content-type", "").lower():
        text = "an HTML page instead of an answer: the login page?"
        raise error_of(_STATUS_VERDICTS[302], text)
    if not isinstance(said.body, dict) or said.status not in _SUCCESS:
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} with an answer that says nothing known")
    return said.body


def refusal(words: str) -> WorkerError:
    """Return what a failure amounts to that came in the dress of a success."""
    return error_of(_rejection(words, None), f"said in a success: {words[:200]}")


def rows_of(body: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """Return the rows of a list in any of its disguises; None when there is no list, and no words instead of one."""
    for name in ("message", "mesasge", "data"):
        rows = _decoded(body.get(name))
        if isinstance(rows, Mapping):
            rows = list(rows.values()) if rows and all(str(key).isdecimal() for key in rows) else [rows]
        if isinstance(rows, list):
            return [row for row in rows if isinstance(row, dict)]
    return [] if words_of(body) else None


def words_of(body: Any) -> str:
    """Return what an answer says in words; the vendor misspells the key in places, and may say it in any shape."""
    said = (body.get("message") or body.get("mesasge") or "") if isinstance(body, dict) else ""
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


def message_id_of(body: Mapping[str, Any]) -> str | None:
    """Return the id of the message that was sent, from either of its places."""
    return fields.first_key(body, ("wa_message_id", "data.message_id"))


def _rejection(words: str, of_status: Verdict | None) -> Verdict:
    """Return what a failure amounts to: by a code, by its words, else by its HTTP status; nothing was done anyway."""
    if found := verdict_in(words):
        return found
    for known, verdict in REJECTIONS:
        if known in words.lower():
            return verdict
    if of_status is None:
        return REJECTED
    return replace(of_status, error=RetryableError) if of_status.error is UncertainError else of_status


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return storable(json.loads(value, parse_float=str, parse_constant=str))
    except (ValueError, RecursionError):
        return value


def _without(body: Any, names: frozenset[str]) -> Any:
    """Return an answer as it may be written down; what cannot be read may hold anything."""
    rows = rows_of(body) if isinstance(body, dict) else None
    if rows is None:
        return "not kept"
    kept = [{name: value for name, value in row.items() if name not in names} for row in rows]
    return {"status": body.get("status"), "message": kept or words_of(body)}
