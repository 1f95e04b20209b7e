"""Any request that has no action of its own: Open Mercato's modules are more than any table has.

Invariant: it goes below the account's address, whatever the path; nothing of the answer is kept but ids and counts.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from tasks.actions.judging import looking
from tasks.actions.open_mercato.client import ask
from tasks.actions.open_mercato.operations.freight import UpdateContainer
from tasks.actions.parameters import Parameters
from webhooks import fields
from worker.acting import Action, Call, Outcome

# No query, no fragment, no escapes: nothing that somebody on the way could read as another place.
_PATH = re.compile(r"(/[A-Za-z0-9_~:@.-]+)+\Z")


def _below(path: str) -> str:
    if not _PATH.match(path) or {".", ".."} & set(path.split("/")):
        raise ValueError("a path like /catalog/offers is wanted")
    return path


_TOLD = ("count", "total", "ok", "success", "allowed", "status")


class Request(Parameters):
    """A request as the API has it."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: Annotated[str, AfterValidator(_below)] = Field(description="Below the account's address: `/catalog/offers`.")
    query: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] = Field(default_factory=dict, description="Organization and tenant are added.")


def request(call: Call) -> Outcome:
    """Send a request; the result has the ids of the answer."""
    given, sent = call.parameters, {}
    if given.query:
        sent["params"] = given.query
    if given.method == "GET":
        with looking():
            return _told(ask(call, "GET", given.path, **sent))
    if given.body:
        sent["json"] = given.body
    return _told(ask(call, given.method, given.path, **sent))


def update_container(call: Call) -> Outcome:
    """Change a container; which fields it has is the server's to know."""
    answer = ask(call, "PUT", f"/shipments/containers/{call.parameters.id}", json=dict(call.parameters.values))
    return _told(answer)


def _told(answer: dict[str, Any]) -> Outcome:
    result: dict[str, Any] = {}
    for name, value in answer.items():
        is_id = name == "id" or name.endswith(("Id", "_id"))
        if is_id and (found := fields.key_text(value)):
            result[name] = found
        elif name in _TOLD and isinstance(value, str | int):
            result[name] = value if not isinstance(value, str) else value[:100]
    return Outcome(result)


ACTIONS = (
    Action("open_mercato.request", Request, request, idempotent=False,
           summary="Send any request.", endpoint="any"),
    Action("open_mercato.update_freight_container", UpdateContainer, update_container, idempotent=True,
           summary="Change a container.", endpoint="PUT /shipments/containers/{id}"),
)  # fmt: skip
