"""What the faked Open Mercato knows: tables of records, and the log of every command.

Invariant: every record carries its organization and tenant, and every change of one is in the log with both sides.
"""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sandbox.exchange import Json
from sandbox.ids import IdMaker
from sandbox.masking import MASK
from sandbox.vendors.open_mercato.words import Record

ORGANIZATION_ID = "8e2b6a3d-1f57-4c0a-b9d4-6f3a2e1c9d22"
TENANT_ID = "5c1d7f0e-8a42-4f39-9a6d-0b7e2c4d1a11"
USER_ID = "api_key:2f6c1a90-7d34-4be8-a1c5-90e8d7b6f512"
SCOPE = {"organizationId": ORGANIZATION_ID, "tenantId": TENANT_ID}

Table = dict[str, Record]

_SEED_FILE = Path(__file__).with_name("seed.json")


def stamp(moment: datetime) -> str:
    """Write a time as the server does: ISO 8601, UTC, milliseconds, `Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Store:
    """One tenant."""

    ids: IdMaker
    tables: dict[str, Table] = field(default_factory=dict)
    log: list[Record] = field(default_factory=list)
    steps: dict[str, list[Record]] = field(default_factory=dict)
    settings: Record = field(default_factory=lambda: {"apiKey": None, "apiBaseUrl": None})

    @classmethod
    def seeded(cls, ids: IdMaker, now: datetime) -> "Store":
        """Return the tenant a fresh sandbox starts with."""
        store = cls(ids)
        for name, rows in json.loads(_SEED_FILE.read_text(encoding="utf-8")).items():
            for fields in rows:
                store.add(name, fields, now)
        definitions = {row["workflowId"]: row["definition"]["steps"] for row in store.rows("definitions")}
        store.steps = {row["id"]: definitions[row["workflowId"]] for row in store.rows("instances")}
        return store

    def table(self, name: str) -> Table:
        """Return a table, empty if new."""
        return self.tables.setdefault(name, {})

    def add(self, name: str, fields: Record, now: datetime) -> Record:
        """Add a record; an id among the fields is kept."""
        identity = fields.get("id") or self.ids.uuid(name)
        at = stamp(now)
        record = {**SCOPE, **deepcopy(fields), "id": identity, "createdAt": at, "updatedAt": at}
        self.table(name)[identity] = record
        return record

    def change(self, record: Record, fields: Record, now: datetime) -> Record:
        """Change a record in place and return what it was."""
        before = deepcopy(record)
        record.update({**deepcopy(fields), "id": record["id"], "updatedAt": stamp(now)})
        return before

    def find(self, tables: tuple[str, ...], identity: Json) -> Record | None:
        """Find a record by id in one of several tables."""
        return next((found for name in tables if (found := self.table(name).get(str(identity)))), None)

    def rows(self, name: str) -> list[Record]:
        """Return a table's records, newest first."""
        return list(self.table(name).values())[::-1]

    def state(self) -> dict[str, Json]:
        """Return everything as JSON, without secrets."""
        hidden = {**self.settings, "apiKey": MASK if self.settings["apiKey"] else None}
        tables: dict[str, Json] = {name: list(table.values()) for name, table in self.tables.items()}
        tables["webhooks"] = [{**hook, "secret": MASK} for hook in self.table("webhooks").values()]
        return {**tables, "freighttech_settings": hidden, "audit_log": self.log}
