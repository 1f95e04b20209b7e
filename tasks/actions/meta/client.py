"""How Meta's WhatsApp Cloud API is asked, and what its answers mean.

Source: Meta's pages on messages and on error codes. A refusal is an object `error` with a code of WhatsApp's table; a
code that the table does not know is judged by its HTTP status. Invariant: a message that is answered without an id may
have been sent.
"""

from typing import Any
from urllib.parse import quote

from config.accounts import MetaAccount
from tasks.actions.http import HttpSession
from tasks.actions.judging import Verdict, raise_verdict, verdict_of
from tasks.actions.whatsapp import VERDICTS
from webhooks import fields
from worker.acting import Call
from worker.errors import PermanentError, UncertainError
from worker.states import Reason

_REFUSED = Verdict(PermanentError, Reason.REJECTED)


def ask(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Post to the number's messages; return the body of a success."""
    assert isinstance(call.account, MetaAccount)  # noqa: S101 - the loader's check, told to mypy
    path = f"/{quote(call.account.phone_number_id, safe='')}/messages"
    return _asked(call, "POST", path, json={"messaging_product": "whatsapp", **body})


def get(call: Call, path: str, params: dict[str, str]) -> dict[str, Any]:
    """Read what is below a path; return the body of a success."""
    return _asked(call, "GET", path, params=params)


def _asked(call: Call, method: str, path: str, **given: Any) -> dict[str, Any]:
    account, session = call.account, call.session
    assert isinstance(account, MetaAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    token = account.access_token.get_secret_value()
    answer = session.request(method, path, headers={"Authorization": f"Bearer {token}"}, **given)
    said = answer.json()
    error = said.get("error") if isinstance(said, dict) else None
    verdict = _of_code(error) or verdict_of(answer.status, {})
    if verdict or error:
        raise_verdict(verdict or _REFUSED, session, answer, _words(error))
    if not isinstance(said, dict):
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} without a JSON object")
    return said


def _of_code(error: Any) -> Verdict | None:
    code = fields.text(fields.at(error, "code"))
    return VERDICTS.get(int(code)) if code and code.isascii() and code.isdecimal() and len(code) < 10 else None


def _words(error: Any) -> str:
    """Return what a refusal says in words: the details tell more than the message, which names the code."""
    said = (fields.text(fields.at(error, place)) for place in ("message", "error_data.details"))
    return ": ".join(words for words in said if words)
