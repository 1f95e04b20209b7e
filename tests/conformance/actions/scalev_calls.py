"""Calls of Scalev's actions, for what is asked beside running them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from config.accounts import AccountsFile
from tasks.actions.http import HttpSession
from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import Caller
from tests.conformance.actions.vendors.scalev import CASE
from worker.acting import Call


def call_of(caller: Caller, name: str, account: Mapping[str, Any] | None = None, **changes: Any) -> Call:
    """Return the call of an action with the parameters that work, some of them changed."""
    given = {"vendor": "scalev", "base_url": caller.url + CASE.mount, **CASE.account, **(account or {})}
    configured = AccountsFile.model_validate({"accounts": {"a": given}}).accounts["a"]
    wanted = {**CASE.parameters[name], **changes}
    parameters = ACTIONS[name].parameters.model_validate(wanted, context={"country": "ID"})
    session = HttpSession(caller.client, configured.base_url, 2.0, lambda: datetime.now(UTC))
    return Call("a", configured, "ID", parameters, session, caller.memory)
