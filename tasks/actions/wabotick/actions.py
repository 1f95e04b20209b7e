"""What can be done at Wabotick: send a template message.

Source: the vendor's API page, and pages of sister products on the same code base. Everything is a form; failures come
with HTTP 200; no send has an idempotency key, so a send whose outcome is unknown is never repeated by itself.
"""

import json
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, model_validator

from config.accounts import WabotickAccount
from tasks.actions.http import Answer, HttpSession
from tasks.actions.judging import Verdict, raise_verdict, verdict_of
from tasks.actions.parameters import Parameters, Phone, TemplateValue, Text
from worker.acting import Action, Call, Outcome
from worker.errors import PermanentError, RetryableError, UncertainError
from worker.states import Reason

MOST_ID_CHARACTERS = 500
_SUCCESS = ("1", "true", "success")
_FAILURE = ("0", "false", "error", "failed")

# What a failure says, in lower case, and what that amounts to; the first that occurs decides.
REJECTIONS: tuple[tuple[str, Verdict], ...] = (
    ("subscriber limit has been exceeded", Verdict(PermanentError, Reason.ACCOUNT_LIMIT)),
    ("whatsapp account not found", Verdict(PermanentError, Reason.WRONG_ACCOUNT)),
    ("outside 24 hour window", Verdict(PermanentError, Reason.OUTSIDE_WINDOW)),
    ("message template not found", Verdict(PermanentError, Reason.TEMPLATE)),
    ("does not exist in the translation", Verdict(PermanentError, Reason.TEMPLATE)),
    ("(#132001)", Verdict(PermanentError, Reason.TEMPLATE)),
    ("number of parameters does not match", Verdict(PermanentError, Reason.TEMPLATE)),
    ("(#132000)", Verdict(PermanentError, Reason.TEMPLATE)),
    ("between 1 and 3 reply buttons", Verdict(PermanentError, Reason.INVALID_REQUEST)),
    ("media_type must be one of", Verdict(PermanentError, Reason.INVALID_REQUEST)),
    ("unauthenticated", Verdict(PermanentError, Reason.CREDENTIALS_REFUSED)),
    ("authentication failed", Verdict(PermanentError, Reason.CREDENTIALS_REFUSED)),
    ("temporarily unavailable", Verdict(RetryableError, Reason.UNAVAILABLE)),
)
# Rejected with other words: nothing was sent, so a few repeats cannot double it.
_REJECTED = Verdict(RetryableError, Reason.REJECTED, most_attempts=3)
# Without a token the vendor redirects to its login page.
_STATUS_VERDICTS = {
    status: Verdict(PermanentError, Reason.CREDENTIALS_REFUSED) for status in (301, 302, 303, 307, 308, 401)
}


class SendTemplate(Parameters):
    """Send an approved template (`POST /whatsapp/send/template`)."""

    phone_number: Phone
    template_id: Annotated[Text, Field(description="The platform's short id, not Meta's long one.")]
    variables: list[TemplateValue] | dict[str, TemplateValue] = Field(
        default_factory=list, description="In the order of {{1}}, {{2}} …; with names where the template has them."
    )
    template_header_media_url: Text | None = None
    template_quick_reply_button_values: list[Text] = Field(default_factory=list, max_length=10)

    @model_validator(mode="before")
    @classmethod
    def _numbers_are_texts(cls, given: Any) -> Any:
        if isinstance(given, dict) and isinstance(given.get("variables"), list):
            return given | {"variables": [str(v) if isinstance(v, int | float) else v for v in given["variables"]]}
        return given


def send_template(call: Call) -> Outcome:
    """Send a template message; the result is the id under which its receipts will come."""
    wanted: SendTemplate = call.parameters
    form = {"phone_number": wanted.phone_number.lstrip("+"), "template_id": wanted.template_id}
    named = wanted.variables.items() if isinstance(wanted.variables, dict) else (("value", v) for v in wanted.variables)
    form |= {f"templateVariable-{name}-{place}": value for place, (name, value) in enumerate(named, start=1)}
    if wanted.template_header_media_url:
        form["template_header_media_url"] = wanted.template_header_media_url
    if wanted.template_quick_reply_button_values:
        values = wanted.template_quick_reply_button_values
        form["template_quick_reply_button_values"] = json.dumps(values, separators=(",", ":"))
    body = _ask(call, "/whatsapp/send/template", form)
    data = body.get("data")
    message_id = body.get("wa_message_id") or (data.get("message_id") if isinstance(data, dict) else None)
    if not isinstance(message_id, str | int) or not 0 < len(str(message_id)) <= MOST_ID_CHARACTERS:
        raise UncertainError(Reason.NO_MESSAGE_ID, "accepted, but without a message id: it may have been sent")
    return Outcome({"message_id": str(message_id), "message_state": "accepted"})


def _ask(call: Call, path: str, form: dict[str, str]) -> dict[str, Any]:
    account, session = call.account, call.session
    assert isinstance(account, WabotickAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    credentials = {"apiToken": account.api_token.get_secret_value(), "phone_number_id": account.phone_number_id}
    return _judged(session, session.request("POST", path, data=credentials | form))


def _judged(session: HttpSession, answer: Answer) -> dict[str, Any]:
    """Return the body of a success; what it says decides, not the HTTP status."""
    body = answer.json()
    status = str(body.get("status")).lower() if isinstance(body, dict) else None
    verdict = verdict_of(answer.status, _STATUS_VERDICTS)
    if status in _FAILURE:
        raise_verdict(_rejection(_message(body), verdict), session, answer, _message(body))
    if verdict:
        raise_verdict(verdict, session, answer, _message(body))
    if status is None and "html" in answer.headers.get("content-type", "").lower():
        raise PermanentError(Reason.CREDENTIALS_REFUSED, "an HTML page instead of an answer: the login page?")
    if not isinstance(body, dict) or status not in _SUCCESS:
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} with an answer that says nothing known")
    return body


def _rejection(said: str, of_status: Verdict | None) -> Verdict:
    """Return what a failure amounts to: by its words, else by its HTTP status; nothing was sent either way."""
    for words, verdict in REJECTIONS:
        if words in said.lower():
            return verdict
    if of_status is None:
        return _REJECTED
    return replace(of_status, error=RetryableError) if of_status.error is UncertainError else of_status


def _message(body: Any) -> str:
    """Return what an answer says in words; the vendor misspells the key in places, and may say it in any shape."""
    said = (body.get("message") or body.get("mesasge") or "") if isinstance(body, dict) else ""
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)


ACTIONS = (
    Action(
        "wabotick.send_template",
        SendTemplate,
        send_template,
        idempotent=False,
        summary="Send an approved WhatsApp template to a phone number.",
    ),
)
