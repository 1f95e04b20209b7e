"""Actions as rows of a table: one operation of a vendor's API each, its parameters a model, its answer named by paths.

Invariant: what a row sends is its parameters and nothing else; authentication and what an answer means are the
vendor's `ask`, the same for all of its rows.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Literal, Protocol
from urllib.parse import quote

from pydantic import BaseModel

from tasks.actions.parameters import Parameters
from webhooks import fields
from worker.acting import Action, Audience, Call, Outcome, Settlement, nobody
from worker.errors import UncertainError
from worker.states import Reason
from worker.templates import TemplateSource

Encoding = Literal["json", "form", "multipart"]


class Ask(Protocol):
    """How a vendor is asked: authenticated, its answer judged.

    `given` is what `HttpSession.request` takes. Returns the answer's own content, out of its envelope; raises the
    errors of `worker.errors`.
    """

    def __call__(self, call: Call, method: str, path: str, **given: Any) -> Any: ...


@dataclass(frozen=True)
class Operation:
    """One operation of a vendor's API."""

    name: str
    """`vendor.verb_noun`."""
    parameters: type[Parameters]
    method: str
    path: str
    """Below the account's address; `{name}` stands for the parameter of that name."""
    summary: str
    idempotent: bool | None = None
    """Has to be said of everything but a read."""
    encoding: Encoding = "json"
    query: frozenset[str] = frozenset()
    """Parameters that go into the URL; those of a GET all do."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """What is always sent."""
    result: Mapping[str, tuple[fields.Path, ...]] = field(default_factory=dict)
    """Our name of what the answer tells, and the places where it may stand: ids and states, nothing personal."""
    must_tell: bool = False
    """Whether an answer without the first of these leaves it unknown what was done."""
    is_read: bool | None = None
    """None: a GET is a read, anything else is not."""
    finish: Callable[[Call, Any], Outcome] | None = None
    """Turns the answer into the outcome where paths cannot."""
    recipient: Callable[[Any], str | None] = nobody
    audience: Audience | None = None
    template: Callable[[Any], str | None] = nobody
    templates: TemplateSource | None = None
    in_session: bool = False
    settle: Callable[[Call, Any], Settlement] | None = None
    settled_by: str = "a person"


def actions_of(operations: Iterable[Operation], ask: Ask) -> tuple[Action, ...]:
    """Return the actions that a vendor's operations are."""
    return tuple(_action(operation, ask) for operation in operations)


def _action(operation: Operation, ask: Ask) -> Action:
    is_read = operation.method == "GET" if operation.is_read is None else operation.is_read
    if operation.idempotent is None and not is_read:
        raise TypeError(f"{operation.name}: is it idempotent?")

    def run(call: Call) -> Outcome:
        answer = ask(call, operation.method, path_of(operation, call.parameters), **sent_by(operation, call.parameters))
        return operation.finish(call, answer) if operation.finish else told(operation, answer)

    return Action(
        name=operation.name, parameters=operation.parameters, run=run,
        idempotent=is_read if operation.idempotent is None else operation.idempotent, summary=operation.summary,
        endpoint=f"{operation.method} {operation.path}", is_read=is_read, recipient=operation.recipient,
        audience=operation.audience, template=operation.template, templates=operation.templates,
        in_session=operation.in_session, settle=operation.settle, settled_by=operation.settled_by,
    )  # fmt: skip


def path_of(operation: Operation, parameters: BaseModel) -> str:
    """Return the path with its parameters in it, each quoted whole."""
    values = {name: quote(str(getattr(parameters, name)), safe="") for name in _in_path(operation)}
    return operation.path.format(**values)


def sent_by(operation: Operation, parameters: BaseModel) -> dict[str, Any]:
    """Return what goes into query and body, as `HttpSession.request` takes it."""
    in_path = _in_path(operation)
    given = {name: value for name, value in as_sent(parameters).items() if name not in in_path}
    given = dict(operation.fixed) | given
    if operation.method in {"GET", "DELETE"} and operation.encoding == "json":
        return {"params": _flat(given)} if given else {}
    names = {_alias(parameters, name) for name in operation.query}
    query = {name: value for name, value in given.items() if name in names}
    body = {name: value for name, value in given.items() if name not in names}
    sent: dict[str, Any] = {"params": _flat(query)} if query else {}
    if operation.encoding == "json":
        return sent | {"json": body}
    if operation.encoding == "form":
        return sent | {"data": _flat(body)}
    return sent | {"files": {name: (None, value) for name, value in _flat(body).items()}}


def as_sent(parameters: BaseModel) -> dict[str, Any]:
    """Return parameters under the vendor's names, without those that were not given."""
    whole = parameters.model_dump(mode="json")
    return {
        _alias(parameters, name): value
        for name, value in whole.items()
        if value is not None and (name in parameters.model_fields_set or value not in ("", [], {}))
    }


def told(operation: Operation, answer: Any) -> Outcome:
    """Return what an answer tells; UncertainError when it does not tell what it must."""
    found = {ours: fields.text(fields.first(answer, places)) for ours, places in operation.result.items()}
    if operation.must_tell and not next(iter(found.values()), None):
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"accepted, but the answer has no {next(iter(found), 'id')}")
    return Outcome({name: value for name, value in found.items() if value is not None})


def _in_path(operation: Operation) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(operation.path) if name}


def _alias(parameters: BaseModel, name: str) -> str:
    return type(parameters).model_fields[name].serialization_alias or name


def _flat(values: Mapping[str, Any]) -> dict[str, str]:
    """Return values as forms and queries carry them: text, and JSON for what has parts."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}
