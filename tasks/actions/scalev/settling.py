"""Whether something happened at Scalev that got no answer: looked up by what it would have left behind.

Invariant: only what was surely made by this call counts as done, and nothing here says "it did not happen": Scalev
promises nowhere that a list is up to date.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from config.phones import to_e164
from tasks.actions.scalev import results
from tasks.actions.scalev.client import ask
from webhooks import fields
from worker.acting import Call, Outcome, Settled, Settlement

# Scalev writes seconds, and its clock may be a little behind ours.
_MARGIN = timedelta(seconds=10)
_MOST_CANDIDATES = 5
NOT_KNOWN = Settlement(Settled.NOT_KNOWN)
Settle = Callable[[Call, datetime], Settlement]


def happened(result: dict[str, Any] | None = None) -> Settlement:
    """Say that it happened."""
    return Settlement(Settled.HAPPENED, Outcome({name: value for name, value in (result or {}).items() if value}))


def order_made(call: Call, since: datetime) -> Settlement:
    """Look for the one order of this buyer, store and these lines that was made since."""
    wanted = call.parameters
    phone = wanted.customer_phone
    searched = phone.removeprefix("+") if phone else wanted.customer_email
    if not searched:
        return NOT_KNOWN
    by = "customer_phone" if phone else "customer_email"
    page = ask(call, "GET", "/orders", params={"search": searched, "search_field": by, "page_size": 25})
    keys = [fields.text(fields.at(row, "id")) for row in results.rows_of(page)]
    orders = [_order(call, key) for key in keys[:_MOST_CANDIDATES] if key]
    found = [order for order in orders if _is_since(order, "created_at", since) and _is_wanted(order, wanted)]
    if len(found) != 1:
        return NOT_KNOWN
    outcome = results.made_order(call, found[0])
    return Settlement(Settled.HAPPENED, outcome)


def duplicated(call: Call, since: datetime) -> Settlement:
    """Look whether the original was canceled since."""
    original = _order(call)
    is_canceled = fields.at(original, "status") == "canceled" and _is_since(original, "canceled_time", since)
    return happened() if is_canceled else NOT_KNOWN


def payment_made(call: Call, _since: datetime) -> Settlement:
    """Look whether the order has a payment at the gateway; it can have one only."""
    order = _order(call)
    has_one = fields.at(order, "pg_reference_id") and fields.at(order, "pg_payment_info")
    return Settlement(Settled.HAPPENED, results.changed_order(call, order)) if has_one else NOT_KNOWN


def awb_made(call: Call, _since: datetime) -> Settlement:
    """Look whether all orders have their airway bill."""
    keys = call.parameters.ids
    statuses = {fields.at(_order(call, key), "awb_status") for key in keys}
    return happened({"ids": keys}) if statuses == {"created"} else NOT_KNOWN


def chat_noted(call: Call, since: datetime) -> Settlement:
    """Look for the chat in the message history."""
    rows = results.rows_of(ask(call, "GET", f"/orders/{_quoted(call.parameters.id)}/message-history"))
    wanted = str(call.parameters.follow_up_chat_id)
    same = [row for row in rows if fields.text(fields.at(row, "follow_up_chat_id")) == wanted]
    return happened() if any(_is_since(row, at, since) for row in same for at in ("at", "inserted_at")) else NOT_KNOWN


def customer_made(call: Call, since: datetime) -> Settlement:
    """Look for the customer with this phone or e-mail that was made since."""
    wanted = call.parameters
    searched = wanted.phone.removeprefix("+") if wanted.phone else wanted.email
    if not searched:
        return NOT_KNOWN
    rows = results.rows_of(ask(call, "GET", "/customers", params={"search": searched, "page_size": 25}))
    same = [row for row in rows if _is_since(row, "created_at", since) and _is_person(row, wanted, call.country)]
    return Settlement(Settled.HAPPENED, results.customer(call, same[0])) if len(same) == 1 else NOT_KNOWN


def listed_now(path: Callable[[Call], str], *names: str) -> Settle:
    """Return what looks for a record with these same values in the list where it was to be made."""

    def settle(call: Call, _since: datetime) -> Settlement:
        wanted = {name: getattr(call.parameters, name) for name in names}
        rows = results.rows_of(ask(call, "GET", path(call), params={"page_size": "25"}))
        same = [row for row in rows if all(fields.at(row, name) == value for name, value in wanted.items())]
        return happened({"id": fields.text(fields.at(same[0], "id"))}) if len(same) == 1 else NOT_KNOWN

    return settle


def message_sent(call: Call, since: datetime) -> Settlement:
    """Look for the one message of this content that went out to this person since."""
    wanted = call.parameters.content()
    return _in_conversation(call, since, lambda row: all(_has(fields.at(row, k), v) for k, v in wanted.items()))


def template_sent(call: Call, since: datetime) -> Settlement:
    """Look for the one message from this template that went out to this person since."""
    name = _template_name(call)
    return _in_conversation(call, since, lambda row: name is not None and fields.at(row, "template.name") == name)


def _in_conversation(call: Call, since: datetime, is_wanted: Callable[[Any], bool]) -> Settlement:
    given = call.parameters
    path = f"/waba-accounts/{_quoted(given.waba_unique_id)}/customers/{_quoted(given.wa_user_id)}/messages"
    rows = results.rows_of(ask(call, "GET", path, params={"page_size": "25"}))
    same = [row for row in rows if fields.at(row, "direction") == "outbound" and _is_since(row, "inserted_at", since)]
    found = [wamid for row in same if is_wanted(row) and (wamid := fields.text(fields.at(row, "wamid")))]
    return happened({"message_id": found[0]}) if len(found) == 1 else NOT_KNOWN


def _template_name(call: Call) -> str | None:
    """Return the name of a template: messages carry it, not the number; templates are listed by account number."""
    given = call.parameters
    accounts = results.rows_of(ask(call, "GET", "/waba-accounts"))
    mine = [row for row in accounts if fields.at(row, "unique_id") == given.waba_unique_id]
    key = fields.text(fields.at(mine[0], "id")) if mine else None
    if key is None:
        return None
    rows = results.rows_of(ask(call, "GET", f"/waba-accounts/{_quoted(key)}/message-templates"))
    names = [fields.at(row, "name") for row in rows if fields.text(fields.at(row, "id")) == str(given.template_id)]
    return fields.text(names[0]) if names else None


def _order(call: Call, key: str | None = None) -> Any:
    return ask(call, "GET", f"/orders/{_quoted(key or call.parameters.id)}")


def _quoted(key: Any) -> str:
    return quote(str(key), safe="")


def _is_since(record: Any, field: str, since: datetime) -> bool:
    moment = fields.moment(fields.at(record, field))
    return moment is not None and moment >= since - _MARGIN


def _is_wanted(order: Any, wanted: Any) -> bool:
    """Whether an order has the buyer, the store and the goods of a call."""
    lines = fields.at(order, "orderlines")
    quantities = sorted(str(fields.at(line, "quantity")) for line in (lines if isinstance(lines, list) else ()))
    asked = sorted(str(line.quantity) for line in (*wanted.ordervariants, *wanted.orderbundles))
    store = fields.at(order, "store.unique_id")
    return (
        fields.text(fields.at(order, "destination_address.name")) == wanted.customer_name.strip()
        and store in (None, wanted.store_unique_id)
        and quantities == asked
    )


def _is_person(row: Any, wanted: Any, country: str) -> bool:
    if wanted.phone:
        return bool(to_e164(fields.at(row, "phone"), country) == wanted.phone)
    return bool(fields.email(fields.at(row, "email")) == wanted.email.lower())


def _has(found: Any, wanted: Any) -> bool:
    """Whether what was found is what was sent, whatever more the vendor wrote into it."""
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(_has(found.get(key), value) for key, value in wanted.items())
    return bool(found == wanted)
