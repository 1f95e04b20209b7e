"""How Open Mercato is asked: an API key, organization and tenant in every write, answers judged by their status.

Source: the OpenAPI dump, the public repository, and a server built from it. Success is any 2xx with a JSON object,
whatever the dump says of its fields; errors carry `error`, validation adds `details` or `fields`, 403 the permissions
that the key lacks. No idempotency key exists, and a broken unique constraint is a plain 500.

Invariant: what is written always names the account's own organization and tenant.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from config.accounts import OpenMercatoAccount
from tasks.actions.http import Answer, HttpSession
from tasks.actions.judging import Verdict, raise_verdict, verdict_of
from worker.acting import Call
from worker.errors import PermanentError, UncertainError
from worker.states import Reason

_STATUS_VERDICTS = {
    # Said of a record's state: a workflow that does not wait, a number that is taken. Another try finds the same.
    409: Verdict(PermanentError, Reason.REJECTED),
}
_NO_CONTENT = 204


def ask(call: Call, method: str, path: str, **given: Any) -> dict[str, Any]:
    """Send a request in the name of the account's organization; return the answer's object."""
    body, answer = _exchange(call, method, path, given)
    if verdict := verdict_of(answer.status, _STATUS_VERDICTS):
        raise_verdict(verdict, call.session, answer, _message(body))
    return _object(body, answer)


def ask_unless(call: Call, done: int, method: str, path: str, **given: Any) -> dict[str, Any] | None:
    """Ask where one status means that it had been done before; return None then."""
    body, answer = _exchange(call, method, path, given)
    if answer.status == done and isinstance(body, dict):
        return None
    if verdict := verdict_of(answer.status, _STATUS_VERDICTS):
        raise_verdict(verdict, call.session, answer, _message(body))
    return _object(body, answer)


def rows_of(page: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a page: under `items`, under `data` for workflows."""
    found = page.get("items", page.get("data"))
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []


def _exchange(call: Call, method: str, path: str, given: Mapping[str, Any]) -> tuple[Any, Answer]:
    account, session = call.account, call.session
    assert isinstance(account, OpenMercatoAccount)  # noqa: S101 - the loader's check, told to mypy
    assert isinstance(session, HttpSession)  # noqa: S101 - likewise
    scope = {"organizationId": account.organization_id, "tenantId": account.tenant_id}
    # A body that is not an object is not theirs to scope: only `request` could send one, and it does not.
    scoped = {"json": {**given.get("json", {}), **scope}} if method in {"POST", "PUT", "PATCH"} else {}
    headers = {"X-Api-Key": account.api_key.get_secret_value()}
    answer = session.request(method, path, headers=headers, **{**given, **scoped})
    return answer.json(), answer


def _object(body: Any, answer: Answer) -> dict[str, Any]:
    if answer.status == _NO_CONTENT:
        return {}
    if not isinstance(body, dict):
        raise UncertainError(Reason.UNREADABLE_ANSWER, f"HTTP {answer.status} without a JSON object")
    return body


def _message(body: Any) -> str:
    """Return what an error says: the error, the fields it is about, the permissions that are missing."""
    if not isinstance(body, dict):
        return ""
    said = [text for name in ("error", "message") if isinstance(text := body.get(name), str)]
    details, fields = body.get("details"), body.get("fields")
    if isinstance(details, list):
        said += [_issue(one) for one in details if isinstance(one, dict)]
    if isinstance(fields, dict):
        said += [f"{name}: {text}" for name, text in fields.items() if isinstance(text, str)]
    if isinstance(missing := body.get("requiredFeatures"), list):
        said.append(f"the key lacks {_joined(missing, ', ')}")
    return "; ".join(said)


def _issue(issue: Mapping[str, Any]) -> str:
    path = issue.get("path")
    return f"{_joined(path, '.') if isinstance(path, list) else ''}: {issue.get('message')}"


def _joined(parts: Iterable[Any], separator: str) -> str:
    return separator.join(str(part) for part in parts if isinstance(part, str | int))
