"""What can be done at Proton: read a customer, create an opportunity.

Source: the vendor's Postman collection. Three headers prove the caller; a success is 2xx and, where there is a
`status_message`, one that says success. Opportunities have no natural key and no idempotency key.
"""

from typing import Any
from urllib.parse import quote

from pydantic import Field

from config.accounts import ProtonAccount
from tasks.actions.http import HttpSession
from tasks.actions.judging import Verdict, raise_verdict, verdict_of
from tasks.actions.parameters import Parameters, Text
from webhooks.sources.proton.records import customer_patch
from worker.acting import Action, Call, Outcome
from worker.errors import PermanentError, UncertainError
from worker.states import Reason

_OWNERSHIP = Verdict(PermanentError, Reason.FORBIDDEN)


class GetCustomer(Parameters):
    """Read one customer by `customer_id` or UUID."""

    identifier: Text


class CreateOpportunity(Parameters):
    """Create an opportunity (`POST /{company}/opportunities`)."""

    pipeline_id: Text
    stage_id: Text
    title: Text
    customer_id: Text
    owner: list[Text] = Field(default_factory=list, description="User ids, usually e-mail addresses.")
    contact_id: Text | None = None
    value: float | None = None
    created_from_sales_play: bool | None = None
    custom_fields: list[dict[str, Any]] = Field(default_factory=list)
    associations: list[dict[str, Any]] = Field(default_factory=list)
    groupings: list[dict[str, Any]] = Field(default_factory=list)


def get_customer(call: Call) -> Outcome:
    """Read a customer and take its state into the snapshot."""
    data = _ask(call, "GET", f"/v1/customers/{quote(call.parameters.identifier, safe='')}")
    patch = customer_patch(data, call.session.clock(), call.country)
    if patch is None:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "Proton's answer is not a customer")
    return Outcome({"customer_id": patch.values["customer_id"]}, (patch,))


def create_opportunity(call: Call) -> Outcome:
    """Create an opportunity; the result names it."""
    given = call.parameters.model_dump(mode="json", exclude_none=True)
    body = {name: value for name, value in given.items() if value != []}
    data = _ask(call, "POST", "/opportunities", json=body)
    found = data.get("opportunity_id") if isinstance(data, dict) else None
    if not found:
        raise UncertainError(Reason.UNREADABLE_ANSWER, "accepted, but the answer names no opportunity")
    return Outcome({"opportunity_id": str(found)})


def _ask(call: Call, method: str, path: str, **given: Any) -> Any:
    """Send a request in the company's name; return `data` where there is an envelope, else the body."""
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
        # 401 with this code is about who owns the record; the key is good.
        raise_verdict(_OWNERSHIP if code == "UNAUTHORIZED" else verdict, session, answer, message)
    if not isinstance(body, dict):
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} without a JSON object")
    said = body.get("status_message")
    if said is not None and str(said).lower() != "success":
        raise PermanentError(Reason.REJECTED, f"HTTP {answer.status}, but Proton says {said}: {_error(body)[1]}"[:300])
    return body.get("data", body)


def _error(body: Any) -> tuple[str, str]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", ""
    return str(error.get("code", "")), str(error.get("message", ""))


ACTIONS = (
    Action(
        "proton.get_customer",
        GetCustomer,
        get_customer,
        idempotent=True,
        is_read=True,
        summary="Read a customer by its customer_id or UUID.",
    ),
    Action(
        "proton.create_opportunity",
        CreateOpportunity,
        create_opportunity,
        idempotent=False,
        summary="Create an opportunity in a pipeline's stage.",
    ),
)
