"""Open Mercato's API, faked after its contract, its source and what a running server was seen to do.

Invariant: where these differ, the running server wins; what only the contract says is a trap to switch on.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.targets import Target
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.open_mercato import audit, hooks
from sandbox.vendors.open_mercato.events import INTERNAL_EVENTS, events_of, signature_headers, spelled
from sandbox.vendors.open_mercato.kinds import PEOPLE, Kind
from sandbox.vendors.open_mercato.routes import ROUTES
from sandbox.vendors.open_mercato.state import SCOPE, Store, stamp
from sandbox.vendors.open_mercato.words import INTERNAL, Record, RefusedError

COPY_SECONDS = 0.3
LABELS = ("displayName", "title", "orderNumber", "containerNumber", "label", "name", "subject", "workflowId", "slug")
VERBS = {"_update": "changed", "_delete": "deleted"}


class OpenMercatoSettings(Settings):
    """Traps: what was seen on a running server, and where its sources contradict each other.

    Attributes:
        encrypted_phones: `check-phone` finds nobody, as with the tenant encryption that is on by default.
        require_scope: writes must name organization and tenant, else they are those of the key.
        dump_answers: signals answer 201 `{}`, as the contract has it.
        start_delay_seconds: how long a started workflow takes to reach its first wait.
        refused_entity_types: what the business rules do not allow.
        missing_features: permissions the key lacks: 403.
        copies: how often each webhook comes within a second, same id, own timestamp and signature.
        internal_events: events nobody documents come as well.
        event_names: the spelling of the newer or the older events.
    """

    encrypted_phones: bool = True
    require_scope: bool = False
    dump_answers: bool = False
    start_delay_seconds: float = 0.0
    refused_entity_types: tuple[str, ...] = ()
    missing_features: tuple[str, ...] = ()
    copies: Literal[1, 2, 3] = 1
    internal_events: bool = False
    event_names: Literal["singular", "plural"] = "singular"


class OpenMercato(Vendor):
    """One tenant with one organization."""

    name = "open_mercato"
    mount = "/open_mercato/api"
    credential_variable = "SANDBOX_OPEN_MERCATO_KEY"
    settings_model = OpenMercatoSettings
    settings: OpenMercatoSettings

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.store = Store.seeded(self.ids, setup.clock())
        self._last = setup.clock()

    def answer(self, call: Call) -> Answer:
        """Check the key, then answer; a body that is not JSON counts as an empty one."""
        if not self.accepts(_key(call)):
            return self.refuse(401, "Unauthorized")
        if call.problem is not None and "too large" in call.problem:
            return self.refuse(413, call.problem)
        if call.body_kind != "json":
            call = replace(call, params={})
        try:
            return dispatch(self, ROUTES, call)
        except RefusedError as error:
            return error.answer()

    def refuse(self, status: int, message: str) -> Answer:
        """Say no with an `error`; an own fault says nothing more."""
        return RefusedError(status, INTERNAL if status == 500 else {"error": message}).answer()

    def require(self, feature: str) -> None:
        """Check that the key has a permission.

        Raises:
            RefusedError: 403, it has not.
        """
        if feature in self.settings.missing_features:
            raise RefusedError(403, {"error": "Forbidden", "requiredFeatures": [feature]})

    def now(self) -> datetime:
        """Return the time, later each time it is asked: what happens twice in a millisecond must not look the same."""
        self._last = max(self.setup.clock(), self._last + timedelta(milliseconds=1))
        return self._last

    def scope(self) -> Record:
        """Return organization and tenant of the key."""
        return dict(SCOPE)

    def done(self, kind: Kind, before: Record | None, after: Record) -> Effect:
        """Log a command, raise its events and return its effect."""
        audit.note(self, (kind.table, kind.area, kind.event or kind.area), before, after)
        for name, data in events_of(kind, before, after):
            self.raise_event(name, data)
        if kind is PEOPLE and self.settings.internal_events:
            for name in INTERNAL_EVENTS:
                self.raise_event(name, {"id": after["id"], **SCOPE})
        label = next((after[name] for name in LABELS if after.get(name)), after["id"])
        return {"kind": kind.effect + ("" if before is None else "_update"), "id": after["id"], "label": str(label)}

    def raise_event(self, name: str, data: Record) -> None:
        """Send an event to the target of the control API and to the endpoints managed through `/webhooks`."""
        body = self.envelope(spelled(name, self.settings.event_names), data)
        self.emit_copies(body["type"], body)
        hooks.notify(self, body)

    def envelope(self, name: str, data: Record) -> Record:
        """Return the body of a webhook."""
        return {"type": name, "timestamp": stamp(self.now()), "data": data}

    def emit_copies(self, trigger: str, body: Record) -> None:
        """Send a webhook, more than once if the trap says so."""
        for copy in range(self.settings.copies):
            self.emit(trigger, body, delay_seconds=copy * COPY_SECONDS)

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:
        """Sign after Standard Webhooks."""
        return signature_headers(target.secret, body, now)

    def control(self, call: Call) -> Answer | None:
        """`POST /events/<type>`: raise an event with the body as `data`. `PUT /toggles/<identifier>`: set `value`."""
        parts = call.path.strip("/").split("/")
        if call.method == "POST" and len(parts) == 2 and parts[0] == "events":
            self.raise_event(parts[1], {**SCOPE, **call.params})
            return Answer(200, {"raised": parts[1]})
        if call.method == "PUT" and len(parts) == 2 and parts[0] == "toggles":
            rows = [row for row in self.store.rows("toggles") if row["identifier"] == parts[1]]
            if not rows:
                return Answer(404, {"error": "there is no such toggle"})
            rows[0] |= {"value": call.params.get("value"), "source": "override"}
            return Answer(200, rows[0])
        return None

    def state(self) -> dict[str, Json]:
        """Return everything, without secrets."""
        return self.store.state()

    def describe(self, effect: Effect) -> str:
        """Say what was made, changed or deleted."""
        kind = effect["kind"]
        ending = next((ending for ending in VERBS if kind.endswith(ending)), "")
        words = kind.removesuffix(ending).replace("_", " ").capitalize()
        return f"{words} {effect['label']}: {VERBS.get(ending, 'done')}"


def _key(call: Call) -> str:
    """Return the API key: in its own header, or behind the scheme `ApiKey`; a Bearer token is no key."""
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    return call.headers.get("x-api-key") or (key.strip() if scheme.lower() == "apikey" else "")
