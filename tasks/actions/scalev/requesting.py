"""Whatever else Scalev's API has, by method and path: same key, same limits, same judgement.

Invariant: only a GET is repeated when no answer came; everything else may have had an effect.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from tasks.actions.judging import looking
from tasks.actions.operations import as_sent
from tasks.actions.parameters import Parameters
from tasks.actions.scalev.client import ask
from webhooks import fields
from worker.acting import Action, Call, Outcome

_TELLING = ("id", "unique_id", "order_id", "status")
_REFUSED = ("..", "//", "?", "#", "\\", "%")


def _path(value: str) -> str:
    if not value.startswith("/") or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError('a path below /v3 is wanted, such as "/discount-codes"')
    if any(part in value for part in _REFUSED):
        raise ValueError(f"must not have any of {' '.join(_REFUSED)} (query parameters go into query)")
    return value


class Request(Parameters):
    """A request of one's own."""

    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
    path: Annotated[str, AfterValidator(_path)]
    query: dict[str, str] | None = None
    body: dict[str, Any] | list[Any] | None = None


def request(call: Call) -> Outcome:
    """Send it; the result has the ids and states of the answer, and how many rows it had."""
    wanted: Request = call.parameters
    given = {name: value for name, value in (("params", wanted.query), ("json", as_sent(wanted).get("body"))) if value}
    if wanted.method == "GET":
        with looking():
            answer = ask(call, "GET", wanted.path, **given)
    else:
        answer = ask(call, wanted.method, wanted.path, **given)
    rows = answer.get("data") if isinstance(answer, dict) else answer
    found: dict[str, Any] = {name: text for name in _TELLING if (text := fields.text(fields.at(answer, name)))}
    if isinstance(rows, list):
        ids = [text for row in rows if (text := fields.text(fields.at(row, "id")))]
        found |= {"count": len(rows), "ids": ids}
    return Outcome(found)


REQUEST = Action(
    "scalev.request",
    Request,
    request,
    idempotent=False,
    summary="Anything else of the API, by method and path; only a GET is repeated by itself.",
    endpoint="any",
    settled_by="a person; a GET is tried again",
)
