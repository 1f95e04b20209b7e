"""Proton's pipelines: exports, totals, users, and what happened around an opportunity.

Invariant: an export and the totals count what a search with the same body finds.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.proton.search import find_opportunities, total_value
from sandbox.vendors.proton.state import Company, Record
from sandbox.vendors.proton.words import AbsentError, InvalidError, echoed, found, success

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

MODES = ("order", "phone", "website", "quote", "email", "task", "opportunity")
# The likelihood by which a stage counts into the forecast; a stage that is not here counts half.
_FORECAST = {"stage-won": 1.0, "stage-lost": 0.0}
_DEFAULT_COUNT = 10


def export(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/pipelines/{id}/export: the address of a CSV, which this sandbox does not keep."""
    company = vendor.company(call)
    rows = find_opportunities(_of_pipeline(company, call.ids["id"]), call.params)
    name = f"{call.ids['id']}-{len(rows)}-opportunities"
    return success({"url": f"https://exports.example/{company.name}/{name}.csv"})


def metrics(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/pipelines/{id}/metrics, and of all pipelines without the id."""
    company = vendor.company(call)
    known = _of_pipeline(company, call.ids["id"]) if "id" in call.ids else list(company.opportunities.values())
    rows = find_opportunities(known, call.params)
    forecast = sum((row.get("value") or 0) * _FORECAST.get(str(row.get("stage_id")), 0.5) for row in rows)
    return success({"total_count": len(rows), "total_value": total_value(rows), "forecast_value": forecast})


def mock_users(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/pipelines/{id}/mock_users: `q` looks into names and addresses."""
    company, query = vendor.company(call), call.query.get("q", "").lower()
    _of_pipeline(company, call.ids["id"])
    rows = [user for user in company.users.values() if query in f"{user['name']} {user['email']}".lower()]
    count, offset = _number(call, "count", _DEFAULT_COUNT), _number(call, "offset", 0)
    return echoed(call, rows[offset : offset + count])


def activity_feed(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/opportunities/{id}/activity_feed: newest first; the cursor is JSON text, or null at the end."""
    company, mode = vendor.company(call), call.query.get("mode")
    opportunity = found(company.opportunities.get(call.ids["id"]), "Opportunity")
    if mode is not None and mode not in MODES:
        raise InvalidError(f"mode must be one of {', '.join(MODES)}")
    rows = [row for row in _activities(company, opportunity) if mode in (None, row["mode"])]
    rows.sort(key=lambda row: str(row["date"]), reverse=call.query.get("sort") != "asc")
    count, start = _number(call, "count", _DEFAULT_COUNT), _start(call)
    cursor = f"[{start + count}]" if start + count < len(rows) else None
    return success({"activities": rows[start : start + count], "cursor": cursor})


def _activities(company: Company, opportunity: Record) -> list[Record]:
    identity, customer = opportunity["opportunity_id"], opportunity["customer_id"]
    made = {"date": opportunity["created_date"], "activity_id": f"opportunity_{identity}", "mode": "opportunity"}
    calls = [
        {"date": note["date"], "activity_id": note["activity_id"], "mode": "phone", "notes": note["notes"]}
        for note in company.call_notes.values()
        if customer is not None and note["customer_id"] == customer
    ]
    quotes = [
        {"date": quote["created_date"], "activity_id": f"quote_{quote['quote_id']}", "mode": "quote"}
        for quote in company.quotes.values()
        if customer is not None and quote["customer_id"] == customer
    ]
    return [made, *calls, *quotes]


def _of_pipeline(company: Company, pipeline_id: str) -> list[Record]:
    if pipeline_id not in company.pipelines:
        raise AbsentError(f"Pipeline {pipeline_id} not found")
    return [item for item in company.opportunities.values() if item["pipeline_id"] == pipeline_id]


def _start(call: Call) -> int:
    text = call.query.get("cursor", "[0]")
    digits = text.removeprefix("[").removesuffix("]")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10):
        raise InvalidError("cursor is invalid")
    return int(digits)


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise InvalidError(f"{name} must be a whole number")
    return int(text)
