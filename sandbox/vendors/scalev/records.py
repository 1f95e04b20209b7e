"""Routes of the plain lists that Scalev keeps: list, create, read, update and delete records of a few texts.

Invariant: every field of such a record is text, and the first one is never blank.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.routing import Route
from sandbox.vendors.scalev.paging import mentions, page
from sandbox.vendors.scalev.words import Record, RefusedError, body, found, needed_text, numbered, route, text

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev
    from sandbox.vendors.scalev.waba_state import Waba


@dataclass(frozen=True)
class RecordList:
    """One list.

    Attributes:
        path: of the list; one with `{account}` belongs to a WABA account.
        kind: names the effects.
        fields: the texts of a record, the needed one first.
        held: where the records are.
        scope: of all its routes; with a `*` at the end, the verb takes its place.
    """

    path: str
    kind: str
    fields: tuple[str, ...]
    held: "Callable[[Waba], list[Record]]"
    scope: str = "waba_account:operate"

    def routes(self) -> "tuple[Route[Scalev], ...]":
        """Return the five routes."""
        one = f"{self.path}/{{id}}"
        return (
            route(self._scope("list"), "GET", self.path, self._list),
            route(self._scope("create"), "POST", self.path, self._create),
            route(self._scope("read"), "GET", one, self._show),
            route(self._scope("update"), "PATCH", one, self._update),
            route(self._scope("delete"), "DELETE", one, self._delete),
        )

    def _list(self, vendor: "Scalev", call: Call) -> Answer:
        rows = self._records(vendor, call)
        shown = [row for row in rows if mentions(call.query, *(row.get(name) for name in self.fields))]
        return Answer(200, page(shown, call.query))

    def _create(self, vendor: "Scalev", call: Call) -> Answer:
        known, sent = self._records(vendor, call), self._sent(call)
        name = self.fields[0]
        if any(record.get(name) == needed_text(sent, name) for record in known):
            raise RefusedError(422, f"{name} has already been taken")
        record = {"id": vendor.ids.number(self.kind, 100), **dict.fromkeys(self.fields), **sent}
        known.append(record)
        return Answer(201, {**record}, effects=({"kind": self.kind, "id": record["id"]},))

    def _show(self, vendor: "Scalev", call: Call) -> Answer:
        return Answer(200, {**self._one(vendor, call)})

    def _update(self, vendor: "Scalev", call: Call) -> Answer:
        record, sent = self._one(vendor, call), self._sent(call)
        record.update(sent)
        return Answer(200, {**record}, effects=({"kind": f"{self.kind}_update", "id": record["id"]},))

    def _delete(self, vendor: "Scalev", call: Call) -> Answer:
        record = self._one(vendor, call)
        self._records(vendor, call).remove(record)
        return Answer(204, effects=({"kind": f"{self.kind}_delete", "id": record["id"]},))

    def _records(self, vendor: "Scalev", call: Call) -> list[Record]:
        known = [account["unique_id"] for account in vendor.waba.accounts]
        if call.ids.get("account", known[0]) not in known:
            raise RefusedError(404, "WABA account not found")
        return self.held(vendor.waba)

    def _one(self, vendor: "Scalev", call: Call) -> Record:
        return found(numbered(self._records(vendor, call), call.ids["id"]), self.kind.replace("_", " "))

    def _sent(self, call: Call) -> Record:
        params = body(call)
        sent: Record = {name: text(params, name) for name in self.fields if name in params}
        if self.fields[0] in sent:
            needed_text(sent, self.fields[0])
        return sent

    def _scope(self, verb: str) -> str:
        return self.scope.replace("*", verb)
