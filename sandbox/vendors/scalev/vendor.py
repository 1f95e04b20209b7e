"""Scalev's API, version 3, faked after its documentation (developers.scalev.id, docs.scalev.com, dev.scalev.com).

Invariant: whatever changes an order through this API or at the shop is told by webhooks; `POST /event` never is.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Literal

from pydantic import Field

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.routing import Found, find
from sandbox.targets import Target
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.scalev import customers, events, fulfilment, happenings, intents, orders, shop, waba, waba_desk
from sandbox.vendors.scalev.customers import Customers
from sandbox.vendors.scalev.limits import HOURLY_LIMIT, LIMIT, LONG, SHORT, RateLimit, limit_headers
from sandbox.vendors.scalev.shop import Shop, read_seed
from sandbox.vendors.scalev.state import Orders, stamp
from sandbox.vendors.scalev.waba_state import Line, Waba
from sandbox.vendors.scalev.words import TITLES, Record, RefusedError

PLAIN_TEXT = "text/plain; charset=utf-8"
SIGNATURE_HEADER = "X-Scalev-Hmac-Sha256"


class ScalevSettings(Settings):
    """Traps.

    Attributes:
        enforce_moves: the merchant guide's table of status moves holds for the API too.
        enforce_rate_limit: the limits refuse with 429; otherwise they only show in the headers.
        error_shape: what kind of JSON value `error` is; any is documented.
        missing_scopes: what a restricted key may not do: 403.
        partial_changes: a bulk status change answers `successes` and `failures` instead of refusing all.
        updated_with_changes: `order.updated` follows each status and payment change; not documented either way.
        app_id: each event is delivered once more, as an app delivery with a `unique_id` of its own.
        without_order_uuid: events lack `data.id`, as those before mid 2026 did.
        whatsapp_events: WhatsApp messages are told as well; only the names of these events are known.
        enforce_window: a message outside the 24 hours after the customer's last one is refused.
    """

    enforce_moves: bool = False
    enforce_rate_limit: bool = False
    requests_per_10_seconds: int = Field(default=LIMIT, ge=1)
    requests_per_hour: int = Field(default=HOURLY_LIMIT, ge=1)
    error_shape: Literal["string", "object", "list", "number", "boolean"] = "string"
    missing_scopes: tuple[str, ...] = ()
    partial_changes: bool = False
    updated_with_changes: bool = True
    app_id: str | None = None
    without_order_uuid: bool = False
    whatsapp_events: bool = False
    enforce_window: bool = True


class Scalev(Vendor):
    """One business: its orders, customers, checkouts and WhatsApp number."""

    name = "scalev"
    mount = "/scalev/v3"
    credential_variable = "SANDBOX_SCALEV_KEY"
    triggers = events.TRIGGERS
    settings_model = ScalevSettings
    settings: ScalevSettings

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        seed = read_seed()
        self.shop = Shop(seed)
        self.orders = Orders.seeded(self.ids)
        self.customers = Customers.of(self.orders.by_id, self.ids)
        self.intents: dict[str, Record] = {}
        self.waba = Waba.seeded(seed)
        self.events: dict[str, Record] = {}
        self.line = Line(self)
        setup.phones.join(self.line)
        self.limit = RateLimit()

    def answer(self, call: Call) -> Answer:
        """Check the key and the limit, then answer; every answer shows the limit in its headers."""
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        known = scheme.lower() == "bearer" and self.accepts(key.strip())
        limits = {SHORT: self.settings.requests_per_10_seconds, LONG: self.settings.requests_per_hour}
        within, headers = self.limit.count(key if known else "", limits, self.setup.clock())
        if not within and self.settings.enforce_rate_limit:
            answer = self.refuse(429, "Rate limit exceeded")
        elif not known:
            answer = self.refuse(401, "Invalid API key")
        elif call.problem is not None:
            answer = self.refuse(413 if "too large" in call.problem else 400, call.problem)
        elif (
            call.query.get("b_uid", self.shop.seed["business"]["unique_id"]) != self.shop.seed["business"]["unique_id"]
        ):
            answer = self.refuse(403, "the token has no access to this business")
        else:
            try:
                answer = dispatch(self, ROUTES, call)
            except RefusedError as error:
                answer = self.refuse(error.status, str(error))
        return replace(answer, headers={**answer.headers, **headers})

    def refuse(self, status: int, message: str) -> Answer:
        """Say no with `{"error": ...}`; the limit speaks plain text."""
        if status == 429:
            return Answer(429, "Too many requests", PLAIN_TEXT, limit_headers(0, 1), refusal=message)
        title = TITLES.get(status, "Internal Server Error" if status >= 500 else "Error")
        shapes: Mapping[str, Json] = {
            "string": title,
            "object": {"detail": title},
            "list": [title],
            "number": status,
            "boolean": True,
        }
        error = shapes[self.settings.error_shape]
        return Answer(status, {"error": error, "message": message}, refusal=message)

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:  # noqa: ARG002 - no time is signed
        """Sign the raw body with the business's signing secret."""
        if target.secret is None:
            return {}
        digest = hmac.digest(target.secret.encode(), body, hashlib.sha256)
        return {SIGNATURE_HEADER: base64.b64encode(digest).decode()}

    def control(self, call: Call) -> Answer | None:
        """Let something happen at the shop: see `happenings`."""
        found = find(happenings.ROUTES, call)
        if not isinstance(found, Found):
            return None
        try:
            return found.route.handle(self, replace(call, ids=found.ids))
        except RefusedError as error:
            return Answer(error.status, {"error": str(error)})

    def state(self) -> dict[str, Json]:
        """Return orders, customers, checkout intents and the WhatsApp side."""
        return {
            "orders": list(self.orders.by_id.values()),
            "legacy_numbers": self.orders.legacy,
            "customers": list(self.customers.by_id.values()),
            "checkout_intents": list(self.intents.values()),
            "waba": self.waba.state(),
        }

    def describe(self, effect: Effect) -> str:
        """Say in plain words what happened to what."""
        kind, order = effect["kind"], effect.get("order_id")
        match kind:
            case "order_status":
                return f"Order {order} is now {effect['status']}"
            case "order_payment_status":
                return f"Payment of order {order} is now {effect['payment_status']}"
            case "shipment_receipt":
                return f"Order {order} has tracking number {effect['shipment_receipt']}"
            case "order_tags":
                return f"Order {order} is tagged {', '.join(effect['tags']) or 'with nothing'}"
            case "message":
                return f"WhatsApp message to {effect['phone_number']}: {effect['text']}"
            case _:
                what = f"order {order}" if order else str(effect.get("what") or effect.get("id") or "")
                return f"{str(kind).replace('_', ' ').capitalize()}: {what}".rstrip(": ")

    def now(self) -> str:
        """Return the present time as Scalev writes it."""
        return stamp(self.setup.clock())


ROUTES = (
    *orders.ROUTES,
    *fulfilment.ROUTES,
    *customers.ROUTES,
    *shop.ROUTES,
    *intents.ROUTES,
    *waba.ROUTES,
    *waba_desk.ROUTES,
)
