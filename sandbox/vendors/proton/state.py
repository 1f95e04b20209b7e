"""What the faked Proton knows of each company: customers, opportunities, tasks and pipelines.

Invariant: a `customer_id` is unique in its company; a deleted opportunity stays readable with `is_deleted`.
"""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sandbox.exchange import Json
from sandbox.ids import IdMaker

Record = dict[str, Json]

_SEED_FILE = Path(__file__).with_name("companies.json")


def stamp(moment: datetime) -> str:
    """Write a time as Proton's samples do: ISO 8601, UTC, milliseconds, `Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Company:
    """One tenant."""

    name: str
    customers: dict[str, Record] = field(default_factory=dict)
    opportunities: dict[str, Record] = field(default_factory=dict)
    tasks: dict[str, Record] = field(default_factory=dict)
    pipelines: dict[str, list[str]] = field(default_factory=dict)

    def customer(self, identifier: Json) -> Record | None:
        """Find a customer by `customer_id` or UUID."""
        text = str(identifier)
        return self.customers.get(text) or next((c for c in self.customers.values() if c["id"] == text), None)

    def state(self) -> Record:
        """Return everything as JSON."""
        return {
            "customers": list(self.customers.values()),
            "opportunities": list(self.opportunities.values()),
            "tasks": list(self.tasks.values()),
            "pipelines": self.pipelines,
        }


@dataclass
class Companies:
    """All tenants, and what every new customer starts from."""

    by_name: dict[str, Company]
    blank_customer: Record

    @classmethod
    def seeded(cls) -> "Companies":
        """Return the tenants a fresh sandbox starts with."""
        seed = json.loads(_SEED_FILE.read_text(encoding="utf-8"))
        companies = cls({}, seed["blank_customer"])
        for name, content in seed["companies"].items():
            company = companies.add(name, content["pipelines"])
            for customer in content["customers"]:
                company.customers[customer["customer_id"]] = {**deepcopy(companies.blank_customer), **customer}
        return companies

    def add(self, name: str, pipelines: dict[str, list[str]] | None = None) -> Company:
        """Return the company of this name, added if new."""
        return self.by_name.setdefault(name, Company(name, pipelines=pipelines or {}))

    def upsert_customer(self, company: Company, customer_id: str, changes: Record, ids: IdMaker) -> tuple[bool, Record]:
        """Add or change a customer. Returns whether it is new, and the customer."""
        known = company.customers.get(customer_id)
        start = known or {**deepcopy(self.blank_customer), "id": ids.uuid("customer")}
        customer = {**start, **deepcopy(changes), "customer_id": customer_id}
        company.customers[customer_id] = customer
        return known is None, customer
