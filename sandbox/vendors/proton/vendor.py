"""Proton.ai's API, faked after its public Postman collection.

Invariant: all three headers are needed, and `X-Company` is the company of the path; else 401 without a body.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from sandbox.exchange import Answer, BodyKind, Call, Effect, Json, path_parts
from sandbox.routing import Found, Route, find
from sandbox.targets import Target
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.proton import (
    call_notes,
    contacts,
    custom_fields,
    customers,
    events,
    happenings,
    opportunities,
    pipelines,
    quotes,
    recommendations,
    tasks,
)
from sandbox.vendors.proton.state import Companies, Company
from sandbox.vendors.proton.words import AbsentError, InvalidError, failure

# The routes that take a form; all others take JSON.
_FORMS: Mapping[str, tuple[BodyKind, ...]] = {
    "create/task": ("multipart",),
    "create/interaction/call_note": ("multipart",),
    "v1/call_notes": ("json", "multipart"),
}


class ProtonSettings(Settings):
    """Traps.

    Attributes:
        check_references: pipelines, stages and customers of an opportunity must exist.
        fail_in_200: a created opportunity fails inside a 200.
        forbidden_customers: the ids outside the user's account groups: 403.
        note_events: call notes for several customers are told one by one, or once a call.
        webhook_shape: the form of a webhook's body; the vendor documents none.
        webhook_auth: how a webhook proves where it comes from; the vendor documents no way.
        webhook_header: where the proof stands, but for Standard Webhooks.
        webhook_prefix: what stands before a plain HMAC.
    """

    check_references: bool = False
    fail_in_200: bool = False
    forbidden_customers: tuple[str, ...] = ()
    note_events: Literal["per_customer", "per_call"] = "per_customer"
    webhook_shape: Literal["reference", "thin", "standard_webhooks", "flat"] = "reference"
    webhook_auth: Literal["hmac", "hmac_timestamp", "standard_webhooks", "static"] = "hmac"
    webhook_header: str = "X-Proton-Signature"
    webhook_prefix: str = "sha256="


class Proton(Vendor):
    """All tenants of the vendor."""

    name = "proton"
    mount = "/proton"
    credential_variable = "SANDBOX_PROTON_KEY"
    settings_model = ProtonSettings
    settings: ProtonSettings

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.companies = Companies.seeded()

    def answer(self, call: Call) -> Answer:
        """Check the headers and the company, then answer."""
        name, _, rest = call.path.strip("/").partition("/")
        name = path_parts(name)[0]
        headers = call.headers
        known = self.accepts(headers.get("x-api-key", "")) and bool(headers.get("x-user-id"))
        if not known or headers.get("x-company") != name:
            return failure(401, "Bad or missing X-Api-Key, X-Company or X-User-Id")
        if call.problem is not None:
            return failure(413 if "too large" in call.problem else 400, call.problem, "INVALID_REQUEST")
        wanted = _forms_of(rest)
        if call.body_kind not in ("none", *wanted):
            return failure(400, f"the body must be {' or '.join(wanted)}", "INVALID_REQUEST")
        if name not in self.companies.by_name:
            return failure(404, f"Company {name} not found")
        try:
            return dispatch(self, ROUTES, call)
        except InvalidError as error:
            return failure(400, str(error), error.code)
        except AbsentError as error:
            return failure(404, str(error))

    def refuse(self, status: int, message: str) -> Answer:
        """Say no in Proton's envelope."""
        return failure(status, message)

    def company(self, call: Call) -> Company:
        """Return the tenant of a call."""
        return self.companies.by_name[call.ids["company"]]

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:
        """Sign a webhook by the scheme that is set."""
        return {} if target.secret is None else events.signed(self, target.secret, body, now)

    def combine(self, first: Json, second: Json) -> Json | None:
        """Put events of one company into one list."""
        events_so_far = first if isinstance(first, list) else [first]
        return [*events_so_far, second] if events_so_far[0].get("company") == second.get("company") else None

    def control(self, call: Call) -> Answer | None:
        """Put records in place, or let something happen: see `happenings`."""
        found = find(happenings.ROUTES, call)
        if call.method == "PUT" and call.path.startswith("/customers/"):
            # A customer id may hold a slash, which a template cannot.
            found = Found(happenings.PUT_CUSTOMER, {"id": call.path.removeprefix("/customers/")})
        if not isinstance(found, Found):
            return None
        try:
            return found.route.handle(self, replace(call, ids=found.ids))
        except InvalidError as error:
            return Answer(400, {"error": str(error)})
        except AbsentError as error:
            return Answer(404, {"error": str(error)})

    def state(self) -> dict[str, Json]:
        """Return everything of every tenant."""
        return {"companies": {name: company.state() for name, company in self.companies.by_name.items()}}

    def describe(self, effect: Effect) -> str:
        """Say what happened to which record."""
        match effect["kind"]:
            case "opportunity":
                return f'Opportunity "{effect["title"]}" created for customer {effect["customer_id"]}'
            case "opportunity_update":
                return f'Opportunity "{effect["title"]}" changed'
            case "opportunity_delete":
                return f'Opportunity "{effect["title"]}" deleted'
            case "task":
                return f'Task "{effect["title"]}" created for {effect["user_id"]}'
            case "customer":
                return f"Customer {effect['customer_id']} created: {effect['name']}"
            case "customer_update":
                return f"Customer {effect['customer_id']} changed: {', '.join(effect['fields'])}"
            case kind:
                what = effect.get("name") or effect.get("customer_id") or effect.get("id") or ""
                return f"{str(kind).replace('_', ' ').capitalize()}: {what}"


_QUOTE = quotes.show
_RECOMMEND = "/{company}/product/recommendations"

ROUTES: tuple[Route[Proton], ...] = (
    Route("POST", "/{company}/v1/customers", customers.create),
    Route("POST", "/{company}/v1/customers/bulk", customers.create_in_bulk),
    Route("GET", "/{company}/v1/customers/{identifier}", customers.show),
    Route("PATCH", "/{company}/v1/customers/{identifier}", customers.update),
    Route("POST", "/{company}/v2/customers/search", customers.search),
    Route("POST", "/{company}/v1/contacts/search", contacts.search),
    Route("POST", "/{company}/v1/contacts", contacts.create),
    Route("GET", "/{company}/v1/contacts/{identifier}", contacts.show),
    Route("PUT", "/{company}/v1/contacts/{identifier}", contacts.update),
    Route("DELETE", "/{company}/v1/contacts/{identifier}", contacts.delete),
    Route("POST", "/{company}/v1/call_notes/search", call_notes.search),
    Route("POST", "/{company}/v1/call_notes", call_notes.create),
    Route("GET", "/{company}/v1/call_notes/{identifier}", call_notes.show),
    Route("PUT", "/{company}/v1/call_notes/{identifier}", call_notes.update),
    Route("DELETE", "/{company}/v1/call_notes/{identifier}", call_notes.delete),
    Route("POST", "/{company}/create/interaction/call_note", call_notes.create_legacy),
    Route("POST", "/{company}/opportunities", opportunities.create),
    Route("POST", "/{company}/opportunities/search", opportunities.search),
    Route("GET", "/{company}/opportunities/{id}", opportunities.show),
    Route("PATCH", "/{company}/opportunities/{id}", opportunities.update),
    Route("DELETE", "/{company}/opportunities/{id}", opportunities.delete),
    Route("GET", "/{company}/opportunities/{id}/activity_feed", pipelines.activity_feed),
    Route("POST", "/{company}/pipelines/metrics", pipelines.metrics),
    Route("POST", "/{company}/pipelines/{id}/metrics", pipelines.metrics),
    Route("POST", "/{company}/pipelines/{id}/export", pipelines.export),
    Route("GET", "/{company}/pipelines/{id}/mock_users", pipelines.mock_users),
    Route("POST", "/{company}/create/task", tasks.create),
    Route("POST", "/{company}/edit/task", tasks.edit),
    Route("POST", "/{company}/custom_field/create", custom_fields.create),
    Route("PUT", "/{company}/custom_field/edit", custom_fields.edit),
    Route("POST", "/{company}/custom_field/delete", custom_fields.delete),
    Route("DELETE", "/{company}/custom_field/delete", custom_fields.delete),
    Route("GET", "/{company}/custom_field/all", custom_fields.list_),
    Route("PUT", "/{company}/custom_field/update_instance", custom_fields.set_value),
    Route("GET", "/{company}/quotes/{id}", _QUOTE),
    Route("GET", "/{company}/v2/quotes/{id}", _QUOTE),
    Route("PATCH", "/{company}/quotes/{id}", quotes.update),
    Route("GET", "/{company}/quote_headers/{id}", quotes.show_header),
    Route("POST", "/{company}/quote_headers/search", quotes.search),
    Route("POST", "/{company}/v1/leads/search", quotes.search_leads),
    Route("GET", _RECOMMEND, recommendations.recommend),
    Route("POST", f"{_RECOMMEND}/cart", recommendations.recommend_for_cart),
    *(
        Route("GET", f"{_RECOMMEND}/{kind}", recommendations.of_kind(kind))
        for kind in ("periodic", "bought", "similar", "recent", "cart_lite")
    ),
    Route("POST", "/{company}/track", recommendations.track),
    Route("POST", "/{company}/track/login", recommendations.track_login),
    Route("GET", "/{company}/product_initiatives/all", recommendations.list_initiatives),
)


def _forms_of(path: str) -> tuple[BodyKind, ...]:
    """Return the kinds of body a path takes; a single call note takes what the list of them does."""
    if path.startswith("v1/call_notes/") and path != "v1/call_notes/search":
        path = "v1/call_notes"
    return _FORMS.get(path, ("json",))
