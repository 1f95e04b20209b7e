"""Proton.ai's API, faked after its public Postman collection.

Invariant: all three headers are needed, and `X-Company` is the company of the path; else 401 without a body.
"""

from sandbox.exchange import Answer, Call, Effect, Json, path_parts
from sandbox.routing import Route
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.proton import customers, opportunities
from sandbox.vendors.proton.state import Companies, Company
from sandbox.vendors.proton.words import InvalidError, failure

DEFAULT_COMPANY = "harborline"


class ProtonSettings(Settings):
    """Traps: references that must exist, and a create that fails inside a 200."""

    check_references: bool = False
    fail_in_200: bool = False


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
        name = path_parts(call.path)[0]
        headers = call.headers
        known = self.accepts(headers.get("x-api-key", "")) and bool(headers.get("x-user-id"))
        if not known or headers.get("x-company") != name:
            return failure(401, "Bad or missing X-Api-Key, X-Company or X-User-Id")
        if call.problem is not None:
            return failure(413 if "too large" in call.problem else 400, call.problem, "INVALID_REQUEST")
        wanted = "multipart" if call.path.endswith("/create/task") else "json"
        if call.body_kind not in ("none", wanted):
            return failure(400, f"the body must be {wanted}", "INVALID_REQUEST")
        if name not in self.companies.by_name:
            return failure(404, f"Company {name} not found")
        try:
            return dispatch(self, ROUTES, call)
        except InvalidError as error:
            return failure(400, str(error), error.code)

    def refuse(self, status: int, message: str) -> Answer:
        """Say no in Proton's envelope."""
        return failure(status, message)

    def company(self, call: Call) -> Company:
        """Return the tenant of a call."""
        return self.companies.by_name[call.ids["company"]]

    def control(self, call: Call) -> Answer | None:
        """`PUT /customers/<customer_id>`: add or change a customer; `company` in the body names the tenant."""
        parts = call.path.strip("/").split("/", 1)
        if call.method != "PUT" or parts[0] != "customers" or len(parts) != 2:
            return None
        company = call.params.get("company", DEFAULT_COMPANY)
        if not isinstance(company, str) or not company:
            return Answer(400, {"error": "company: must be text"})
        changes = {name: value for name, value in call.params.items() if name != "company"}
        created, customer = self.companies.upsert_customer(self.companies.add(company), parts[1], changes, self.ids)
        return Answer(200, {"created": created, "customer": customer})

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
            case _:
                return f"Customer {effect['customer_id']} changed: {', '.join(effect['fields'])}"


ROUTES: tuple[Route[Proton], ...] = (
    Route("POST", "/{company}/opportunities", opportunities.create),
    Route("POST", "/{company}/opportunities/search", opportunities.search),
    Route("GET", "/{company}/opportunities/{id}", opportunities.show),
    Route("PATCH", "/{company}/opportunities/{id}", opportunities.update),
    Route("DELETE", "/{company}/opportunities/{id}", opportunities.delete),
    Route("POST", "/{company}/create/task", opportunities.create_task),
    Route("POST", "/{company}/v1/customers", customers.create),
    Route("GET", "/{company}/v1/customers/{identifier}", customers.show),
    Route("PATCH", "/{company}/v1/customers/{identifier}", customers.update),
    Route("POST", "/{company}/v2/customers/search", customers.search),
)
