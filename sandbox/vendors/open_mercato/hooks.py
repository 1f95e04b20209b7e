"""Open Mercato's own management of webhooks: endpoints, their secrets, tests and deliveries.

Invariant: a secret is shown once, when it is made; what an endpoint gets is decided by its patterns alone.
"""

import base64
import hashlib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.targets import Target
from sandbox.vendors.open_mercato.kinds import KINDS
from sandbox.vendors.open_mercato.words import Record, invalid_input, page, refused

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

METHODS = ("POST", "PUT", "PATCH")
RANGES = {"maxRetries": (0, 30), "timeoutMs": (1000, 60_000), "autoDisableThreshold": (0, 1000)}
DEFAULTS: Record = {
    "httpMethod": "POST",
    "maxRetries": 10,
    "timeoutMs": 15_000,
    "autoDisableThreshold": 100,
    "isActive": True,
}
TEST_EVENT = "webhooks.test.ping"
SECRETS = ("secret", "previousSecret")


def create(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /webhooks: answers the secret, this once."""
    fields = _checked({**DEFAULTS, **call.params})
    hook = vendor.store.add("webhooks", {**fields, "id": None}, vendor.now())
    hook |= {"secret": _new_secret(vendor), "previousSecret": None}
    return Answer(201, {**_shown(hook), "secret": hook["secret"]}, effects=(_effect("webhook", hook),))


def listing(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /webhooks."""
    return page(call, [_shown(hook) for hook in vendor.store.rows("webhooks")])


def show(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /webhooks/{id}."""
    return Answer(200, _shown(_find(vendor, call)))


def update(vendor: "OpenMercato", call: Call) -> Answer:
    """PUT /webhooks/{id}."""
    hook = _find(vendor, call)
    given = {name: value for name, value in call.params.items() if name not in SECRETS}
    vendor.store.change(hook, _checked({**hook, **given}), vendor.now())
    return Answer(200, _shown(hook), effects=(_effect("webhook_update", hook),))


def delete(vendor: "OpenMercato", call: Call) -> Answer:
    """DELETE /webhooks/{id}."""
    hook = _find(vendor, call)
    del vendor.store.table("webhooks")[hook["id"]]
    return Answer(200, {"ok": True}, effects=(_effect("webhook_delete", hook),))


def rotate_secret(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /webhooks/{id}/rotate-secret: from now on both sign, the new one first."""
    hook = _find(vendor, call)
    hook |= {"secret": _new_secret(vendor), "previousSecret": hook["secret"]}
    return Answer(200, {"id": hook["id"], "secret": hook["secret"]}, effects=(_effect("webhook_update", hook),))


def test(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /webhooks/{id}/test: sends a ping, or the named event with the given payload, whatever is subscribed."""
    hook = _find(vendor, call)
    kind, payload = call.params.get("eventType") or TEST_EVENT, call.params.get("payload")
    body = vendor.envelope(str(kind), {})
    body["data"] = payload if isinstance(payload, dict) else {"ping": True, "webhookId": hook["id"]}
    if not isinstance(payload, dict):
        body["data"]["testedAt"] = body["timestamp"]
    aim(vendor, hook)
    vendor.emit(_trigger(hook), body)
    return Answer(200, {"ok": True}, effects=(_effect("webhook_test", hook),))


def list_deliveries(vendor: "OpenMercato", call: Call) -> Answer:
    """GET /webhooks/deliveries: what was sent to endpoints that are managed here."""
    sent = [e for e in vendor.setup.emitter.emissions(vendor.name) if e.trigger.startswith("webhook:")]
    rows = [
        {
            "id": str(emission.number),
            "webhookId": emission.trigger.partition(":")[2],
            "eventType": emission.body["type"],
            "status": str(emission.state),
            "attemptNumber": emission.attempts,
            "responseStatus": emission.statuses[-1] if emission.statuses else None,
        }
        for emission in sent[::-1]
    ]
    return page(call, rows)


def retry_delivery(vendor: "OpenMercato", call: Call) -> Answer:
    """POST /webhooks/deliveries/{id}/retry: the same body, and so the same webhook id, goes out again."""
    sent = vendor.setup.emitter.emissions(vendor.name)
    emission = next((e for e in sent if str(e.number) == call.ids["id"] and e.trigger.startswith("webhook:")), None)
    if emission is None:
        raise refused(404, "Delivery not found")
    vendor.emit(emission.trigger, emission.body)
    effect = {"kind": "webhook_retry", "id": call.ids["id"], "label": emission.body["type"]}
    return Answer(200, {"ok": True}, effects=(effect,))


def list_events(vendor: "OpenMercato", call: Call) -> Answer:  # noqa: ARG001 - one signature for the whole table
    """GET /webhooks/events."""
    names = [f"{kind.event}.{verb}" for kind in KINDS if kind.event for verb in ("created", "updated", "deleted")]
    return Answer(200, {"items": [*names, "customers.deal.won", "customers.deal.lost"]})


def notify(vendor: "OpenMercato", body: Record) -> None:
    """Send an event to every active endpoint whose patterns fit."""
    for hook in vendor.store.table("webhooks").values():
        if hook["isActive"] and any(fnmatchcase(body["type"], pattern) for pattern in hook["subscribedEvents"]):
            aim(vendor, hook)
            vendor.emit_copies(_trigger(hook), body)


def aim(vendor: "OpenMercato", hook: Record) -> None:
    """Let the emitter know where an endpoint is: anew each time, for the control API may have replaced all targets."""
    secrets = " ".join(hook[name] for name in SECRETS if hook.get(name))
    target = Target(url=hook["url"], secret=secrets, headers=hook.get("customHeaders") or {})
    targets = vendor.setup.emitter.targets
    targets[vendor.name] = {**targets.get(vendor.name, {}), _trigger(hook): target}


def _checked(fields: Record) -> Record:
    problems = {name: "Required" for name in ("name", "url") if not isinstance(fields.get(name), str)}
    patterns = fields.get("subscribedEvents")
    if not isinstance(patterns, list) or not patterns or not all(isinstance(item, str) for item in patterns):
        problems["subscribedEvents"] = "Required"
    if fields["httpMethod"] not in METHODS:
        problems["httpMethod"] = f"must be one of {', '.join(METHODS)}"
    problems |= {name: "out of range" for name, (low, high) in RANGES.items() if not _within(fields[name], low, high)}
    custom = fields.get("customHeaders") or {}
    if not isinstance(custom, dict) or any(_is_reserved(str(name)) for name in custom):
        problems["customHeaders"] = "has a reserved name"
    if not problems and not _can_be_called(fields):
        problems["url"] = "Webhook target is not allowed"
    if problems:
        raise invalid_input(problems)
    return fields


def _can_be_called(fields: Record) -> bool:
    """Return whether an endpoint is on this machine: the sandbox sends nowhere else on a client's word."""
    try:
        return Target(url=fields["url"], headers=fields.get("customHeaders") or {}).is_local
    except ValueError:
        return False


def _within(value: Json, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_reserved(name: str) -> bool:
    return name.lower().startswith("webhook-") or name.lower() == "content-type"


def _find(vendor: "OpenMercato", call: Call) -> Record:
    hook = vendor.store.find(("webhooks",), call.ids["id"])
    if hook is None:
        raise refused(404, "Webhook not found")
    return hook


def _shown(hook: Record) -> Record:
    return {name: value for name, value in hook.items() if name not in SECRETS}


def _new_secret(vendor: "OpenMercato") -> str:
    raw = hashlib.sha256(vendor.ids.uuid("webhook secret").encode()).digest()[:24]
    return "whsec_" + base64.b64encode(raw).decode()


def _trigger(hook: Record) -> str:
    return f"webhook:{hook['id']}"


def _effect(kind: str, hook: Record) -> Record:
    return {"kind": kind, "id": hook["id"], "label": hook["name"]}
