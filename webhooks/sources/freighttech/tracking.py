"""The events of FreightTech's shipment_tracking module: one shipment's state beside the name of what happened to it.

Source: payload builder and dispatcher of the public module. Fields stand beside `type` and `timestamp`, there is no
delivery id; a booking with five containers sends five events.

Invariant: of several estimates the one that was updated last counts, wherever it stands in its list.
"""

from datetime import datetime
from typing import Any

from webhooks import fields
from webhooks.sources.freighttech.journey import container_subject, taken_in
from worker.snapshots import Patch

_SHIPMENT = ("created", "updated", "deleted", "status_changed", "booked", "pre_arrival", "delivered")
_TRANSPORT = ("departed", "arrived", "eta_updated", "etd_updated", "omitted")
_EQUIPMENT = (
    "loaded", "discharged", "gate_in", "gate_out", "available_pickup", "customs_released", "inspected",
)  # fmt: skip
PREFIX = "shipment_tracking."
NAMES = (
    *(f"{PREFIX}shipment.{name}" for name in _SHIPMENT),
    *(f"{PREFIX}transport.{name}" for name in _TRANSPORT),
    *(f"{PREFIX}equipment.{name}" for name in _EQUIPMENT),
    f"{PREFIX}tracking_event.created",
)

# Our word where it is not the module's own in lower case.
_STATUS = {"departed": "in_transit", "pending": None}

# Our field: where it stands in the event.
_TEXTS = {
    "carrier": "carrierCode",
    "size_type": "isoEquipmentCode",
    "bill_of_lading": "bolNumber",
    "booking_number": "bookingNumber",
    "reference": "id",
    "origin": "originLocation.name",
    "origin_unlocode": "originLocation.unlocode",
    "destination": "destinationLocation.name",
    "destination_unlocode": "destinationLocation.unlocode",
    "location": "currentLocationName",
    "vessel": "vesselName",
    "vessel_imo": "vesselImo",
    "voyage": "voyageNumber",
}
_TIMES = {"etd": "etdTimestamps", "eta": "etaTimestamps", "departed_at": "atdTimestamps", "arrived_at": "ataTimestamps"}


def shipment_patch(body: Any, told_at: datetime) -> Patch | None:
    """Return what an event says of its container; None when there is no container yet."""
    subject = container_subject(fields.at(body, "containerNumber"))
    if subject is None:
        return None
    shipment = fields.key_text(fields.at(body, "id"))
    status = fields.event_name(fields.at(body, "status"))
    began_at = fields.moment(fields.at(body, "createdAt")) or told_at
    values: dict[str, Any] = {ours: fields.text(fields.at(body, place)) for ours, place in _TEXTS.items()}
    values |= {
        "number": subject.partition(":")[2], "status": _STATUS.get(status, status) if status else None,
        # Another sender may follow the same container: the journey that began later is the one that is told.
        "journey": f"shipment-{shipment}" if shipment else None, "journey_began_at": began_at.isoformat(),
        "updated_at": told_at.isoformat(),
    }  # fmt: skip
    for ours, place in _TIMES.items():
        newest = _newest(fields.at(body, place))
        values[ours] = newest.isoformat() if newest else None
    return Patch(subject, values, told_at, complete=True, merge=taken_in)


def _newest(timestamps: Any) -> datetime | None:
    given = [(fields.moment(fields.at(one, "updatedAt")), fields.moment(fields.at(one, "value"))) for one in (
        timestamps if isinstance(timestamps, list) else ()
    )]  # fmt: skip
    told = [(updated_at.timestamp() if updated_at else 0.0, value) for updated_at, value in given if value]
    return max(told, default=(0.0, None))[1]
