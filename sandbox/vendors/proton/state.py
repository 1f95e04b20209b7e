"""What the faked Proton knows of each company: one dictionary of records a kind.

Invariant: a natural key is unique in its company; a deleted opportunity stays readable with `is_deleted`.
"""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sandbox.exchange import Json
from sandbox.ids import IdMaker

Record = dict[str, Json]
Records = dict[str, Record]

# Every kind and the key its records are kept under.
KEYS = {
    "customers": "customer_id",
    "contacts": "contact_id",
    "call_notes": "interaction_id",
    "opportunities": "opportunity_id",
    "tasks": "task_id",
    "custom_fields": "custom_field_id",
    "quotes": "quote_id",
    "leads": "lead_id",
    "products": "product_id",
    "users": "user_id",
    "initiatives": "id",
}

_SEED_FILE = Path(__file__).with_name("companies.json")


def stamp(moment: datetime) -> str:
    """Write a time as Proton's samples do: ISO 8601, UTC, milliseconds, `Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def bare_stamp(moment: datetime) -> str:
    """Write a time as the edit dates are: microseconds, without an offset."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


@dataclass
class Company:
    """One tenant."""

    name: str
    pipelines: dict[str, list[str]] = field(default_factory=dict)
    customers: Records = field(default_factory=dict)
    contacts: Records = field(default_factory=dict)
    call_notes: Records = field(default_factory=dict)
    opportunities: Records = field(default_factory=dict)
    tasks: Records = field(default_factory=dict)
    custom_fields: Records = field(default_factory=dict)
    quotes: Records = field(default_factory=dict)
    leads: Records = field(default_factory=dict)
    products: Records = field(default_factory=dict)
    users: Records = field(default_factory=dict)
    initiatives: Records = field(default_factory=dict)

    def kind(self, name: str) -> Records:
        """Return all records of a kind."""
        records: Records = getattr(self, name)
        return records

    def find(self, kind: str, identifier: Json) -> Record | None:
        """Find a record by its natural key or its UUID."""
        text, records = str(identifier), self.kind(kind)
        return records.get(text) or next((record for record in records.values() if record.get("id") == text), None)

    def customer(self, identifier: Json) -> Record | None:
        """Find a customer by `customer_id` or UUID."""
        return self.find("customers", identifier)

    def state(self) -> Record:
        """Return everything as JSON."""
        return {**{kind: list(self.kind(kind).values()) for kind in KEYS}, "pipelines": self.pipelines}


@dataclass
class Companies:
    """All tenants, and what a new record of each kind starts from."""

    by_name: dict[str, Company]
    blanks: dict[str, Record]

    @classmethod
    def seeded(cls) -> "Companies":
        """Return the tenants a fresh sandbox starts with."""
        seed = json.loads(_SEED_FILE.read_text(encoding="utf-8"))
        companies = cls({}, seed["blanks"])
        for name, content in seed["companies"].items():
            company = companies.add(name, content["pipelines"])
            for kind, key in KEYS.items():
                for record in content.get(kind, ()):
                    company.kind(kind)[record[key]] = {**companies.blank(kind), **record}
        return companies

    def blank(self, kind: str) -> Record:
        """Return what a record of a kind has before anything is known of it."""
        return deepcopy(self.blanks.get(kind, {}))

    def add(self, name: str, pipelines: dict[str, list[str]] | None = None) -> Company:
        """Return the company of this name, added if new."""
        return self.by_name.setdefault(name, Company(name, pipelines=pipelines or {}))

    def upsert_customer(self, company: Company, customer_id: str, changes: Record, ids: IdMaker) -> tuple[bool, Record]:
        """Add or change a customer. Returns whether it is new, and the customer."""
        known = company.customers.get(customer_id)
        start = known or {**self.blank("customers"), "id": ids.uuid("customer")}
        customer = {**start, **deepcopy(changes), "customer_id": customer_id}
        company.customers[customer_id] = customer
        return known is None, customer
