"""Freighttech's container tracking, faked: it takes subscriptions and pushes whole journeys; and its second sender.

Invariant: a push is unsigned, its address alone is secret; only the `shipment_tracking` events carry a signature.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from sandbox.exchange import Answer, Call, Effect, Json
from sandbox.routing import Route
from sandbox.targets import Target
from sandbox.vendors.base import Settings, Setup, Vendor, dispatch
from sandbox.vendors.freighttech import tracking
from sandbox.vendors.freighttech.containers import ORGANIZATION_ID, Container, in_utc, sparse, stamp
from sandbox.vendors.freighttech.journey import Record

PUSH, TRACKING = "push", "shipment_tracking"
DEFAULT_CONTAINER = "MSKU7382913"

_NUMBER = re.compile(r"[A-Z]{4}\d{7}")


class FreighttechSettings(Settings):
    """Traps: a push without what may be missing, and one with its times written in UTC."""

    sparse: bool = False
    utc_times: bool = False


class Freighttech(Vendor):
    """The tracking of one organization's containers."""

    name = "freighttech"
    mount = "/freighttech"
    credential_variable = "SANDBOX_FREIGHTTECH_KEY"
    triggers: ClassVar[tuple[str, ...]] = (PUSH, TRACKING)
    settings_model = FreighttechSettings
    settings: FreighttechSettings

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self.containers: dict[str, Container] = {}
        self.follow(DEFAULT_CONTAINER, "MAEU")

    def answer(self, call: Call) -> Answer:
        """Check the key, then answer."""
        if not self.accepts(call.headers.get("x-api-key", "")):
            return self.refuse(401, "Unauthorized")
        if call.problem is not None:
            return self.refuse(413 if "too large" in call.problem else 400, call.problem)
        return dispatch(self, ROUTES, call)

    def refuse(self, status: int, message: str) -> Answer:
        """Say no with an `error`."""
        return Answer(status, {"error": message}, refusal=message)

    def follow(self, number: str, carrier: str) -> Container:
        """Return the container of this number, followed from now on if it was not."""
        if number not in self.containers:
            bill = f"{carrier}{self.ids.number('bill of lading', 253_816_000)}"
            ids, now = (self.ids.uuid("reference"), self.ids.uuid("parent")), self.setup.clock()
            self.containers[number] = Container(number, *ids, carrier, bill, now)
        return self.containers[number]

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:
        """Sign the events of the second sender."""
        is_push = not body.startswith(b'{"type":"' + tracking.PREFIX.encode())
        return {} if is_push else tracking.signature_headers(target.secret, body, now)

    def control(self, call: Call) -> Answer | None:
        """Move a container.

        `POST /containers/<number>/advance` pushes the next stage of its journey, `/repeat` the present one again under
        a new id; `POST /tracking/<number>/<type>` sends an event of the second sender, `transport.eta_updated`.
        """
        parts = call.path.strip("/").split("/")
        if call.method != "POST" or len(parts) != 3 or parts[0] not in ("containers", "tracking"):
            return None
        if not _NUMBER.fullmatch(parts[1]):
            return Answer(400, {"error": "a container number has four capital letters and seven digits"})
        container = self.follow(parts[1], str(call.params.get("carrier_scac") or parts[1][:4]))
        if parts[0] == "tracking":
            return self._track(container, parts[2])
        return {"advance": self._advance, "repeat": self._push}.get(parts[2], _nothing)(container)

    def state(self) -> dict[str, Json]:
        """Return all containers."""
        return {"containers": [container.shown() for container in self.containers.values()]}

    def describe(self, effect: Effect) -> str:
        """Say which container is followed."""
        return f"Container {effect['container_id']} followed"

    def _advance(self, container: Container) -> Answer | None:
        following = container.next_stage
        if following is None:
            return Answer(409, {"error": "the journey is over"})
        container.stage = following
        return self._push(container)

    def _push(self, container: Container) -> Answer | None:
        push = container.push(self.ids, self.setup.clock())
        push = in_utc(push) if self.settings.utc_times else push
        push = sparse(push) if self.settings.sparse else push
        self.emit(PUSH, push)
        return Answer(200, {**container.shown(), "update_id": push["id"]})

    def _track(self, container: Container, name: str) -> Answer:
        if name not in tracking.TYPES:
            return Answer(404, {"error": f"the types are {', '.join(tracking.TYPES)}"})
        body = tracking.event(container, name, self.ids, self.setup.clock())
        self.emit(TRACKING, body)
        return Answer(200, {"type": body["type"], "container_id": container.number})


def register(vendor: Freighttech, call: Call) -> Answer:
    """POST /v1/references: follow a container; where the pushes go is the control API's matter."""
    fields = call.params if call.body_kind == "json" else {}
    carrier, number = fields.get("carrier_code"), fields.get("container_id")
    if not carrier or not fields.get("callback_url") or not (number or fields.get("booking_number")):
        return vendor.refuse(400, "carrier_code, callback_url and container_id or booking_number are required")
    number = str(number or DEFAULT_CONTAINER)
    if not _NUMBER.fullmatch(number):
        return vendor.refuse(400, "container_id is not a container number")
    container = vendor.follow(number, str(carrier))
    reference: Record = {
        "id": container.reference_id,
        "container_id": number,
        "booking_number": fields.get("booking_number"),
        "bill_of_lading": container.bill_of_lading,
        "carrier_code": carrier,
        "callback_url": fields["callback_url"],
        "organization_id": ORGANIZATION_ID,
        "parent_reference_id": container.parent_reference_id,
        "active": True,
        "auto_unsubscribed": False,
        "created_at": stamp(container.created_at),
    }
    effect = {"kind": "reference", "id": container.reference_id, "container_id": number}
    return Answer(200, {"message": "Reference created", "reference": reference}, effects=(effect,))


def _nothing(container: Container) -> Answer | None:  # noqa: ARG001 - stands for a verb that does not exist
    return None


ROUTES: tuple[Route[Freighttech], ...] = (Route("POST", "/v1/references", register),)
