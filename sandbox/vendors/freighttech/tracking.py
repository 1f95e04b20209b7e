"""The second sender: the `shipment_tracking` module with its own events, fields beside the type, no delivery id.

Invariant: of a list of timestamps the one with the latest `updatedAt` counts, and it is not always the last.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

from sandbox.ids import IdMaker
from sandbox.vendors.freighttech.containers import Container, stamp
from sandbox.vendors.freighttech.journey import MILESTONES, PLACES, STAGES, VESSELS, Milestone, Place, Record, Stage

PREFIX = "shipment_tracking."
NAMES = {
    "shipment": ("created", "updated", "deleted", "status_changed", "booked", "pre_arrival", "delivered"),
    "transport": ("departed", "arrived", "eta_updated", "etd_updated", "omitted"),
    "equipment": (
        "loaded",
        "discharged",
        "gate_in",
        "gate_out",
        "available_pickup",
        "customs_released",
        "inspected",
    ),
    "tracking_event": ("created",),
    "poi": ("near_port", "near_terminal"),
}
TYPES = tuple(f"{group}.{name}" for group, names in NAMES.items() for name in names)
STATUSES: Mapping[Stage | None, str] = {
    None: "BOOKED",
    Stage.IN_TRANSIT: "IN_TRANSIT",
    Stage.ETA_CHANGED: "IN_TRANSIT",
    Stage.DELIVERED: "DELIVERED",
}
FORCED = {"shipment.booked": "BOOKED", "shipment.pre_arrival": "PRE_ARRIVAL", "shipment.delivered": "DELIVERED"}


def event(container: Container, name: str, ids: IdMaker, now: datetime) -> Record:
    """Return the body of one event about a container."""
    stage, port, vessel = container.stage or STAGES[0], PLACES["POD"], VESSELS[1]
    known = [row for row in MILESTONES if row.hours <= 0 or stage is Stage.DELIVERED]
    departed, arrived = _at("ms-0005", container, stage), _at("ms-0010", container, stage)
    estimates = [_timestamp(at, port, index, now) for index, at in enumerate(container.estimates())]
    return {
        "type": PREFIX + name,
        "timestamp": stamp(now),
        "id": container.reference_id,
        "status": FORCED.get(name, STATUSES[container.stage]),
        "carrierCode": container.carrier_scac.lower(),
        "containerNumber": container.number,
        "isoEquipmentCode": "45G1",
        "bookingNumber": container.bill_of_lading.removeprefix(container.carrier_scac),
        "bolNumber": container.bill_of_lading,
        "etdTimestamps": [_timestamp(departed, PLACES["POL"], 0, now)],
        # The newest first: who takes the last of the list takes the wrong one.
        "etaTimestamps": estimates[::-1],
        "atdTimestamps": [_timestamp(departed, PLACES["POL"], 0, now)],
        "ataTimestamps": [_timestamp(arrived, port, 0, now)] if stage is Stage.DELIVERED else None,
        "originLocation": _location(PLACES["POL"]),
        "destinationLocation": _location(port),
        "currentLocationName": PLACES[known[-1].place].name,
        "currentLocationUnlocode": PLACES[known[-1].place].unlocode,
        "vesselName": vessel[0],
        "vesselImo": vessel[1],
        "voyageNumber": vessel[3],
        "eventCount": len(known),
        "lastEventAt": stamp(known[-1].at(container.departed_at, stage)),
        "extra": None,
        "createdAt": stamp(container.created_at),
        "updatedAt": stamp(now),
        "trackingEvents": [_tracking_event(row, container, stage, ids) for row in known[-2:]],
    }


def signature_headers(secret: str | None, body: bytes, now: datetime) -> dict[str, str]:
    """Sign a body with its timestamp; without a secret there is no signature."""
    timestamp = str(int(now.timestamp()))
    headers = {"X-Webhook-Timestamp": timestamp}
    if secret:
        signed = f"{timestamp}.".encode() + body
        headers["X-Webhook-Signature"] = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return headers


def _at(milestone_id: str, container: Container, stage: Stage) -> datetime:
    row = next(row for row in MILESTONES if row.id == milestone_id)
    return row.at(container.departed_at, stage)


def _timestamp(at: datetime, place: Place, index: int, now: datetime) -> Record:
    return {
        "value": stamp(at),
        "offset": at.astimezone(place.zone).isoformat()[-6:],
        "source": ("carrier_api", "ais")[index % 2],
        "updatedAt": stamp(now - timedelta(days=10 - 5 * index)),
        "sourceEventId": f"evt-{index + 1}",
    }


def _location(place: Place) -> Record:
    return {
        "name": place.name,
        "unlocode": place.unlocode,
        "countryCode": place.unlocode[:2],
        "facilityCode": None,
        "facilityCodeListProvider": None,
        "facilityTypeCode": "POTE",
        "address": None,
        "coords": {"latitude": place.latitude, "longitude": place.longitude},
        "operatorName": None,
        "source": "dcsa",
    }


def _tracking_event(row: Milestone, container: Container, stage: Stage, ids: IdMaker) -> Record:
    place, at = PLACES[row.place], row.at(container.departed_at, stage)
    vessel = VESSELS[row.vessel] if row.vessel is not None else (None, None, None, None)
    return {
        "id": ids.uuid("tracking event"),
        "source": "dcsa",
        "sourceEventId": row.id,
        "eventType": row.journey,
        "eventCode": row.event,
        "eventClassifierCode": "ACT",
        "eventDateTime": stamp(at),
        "eventDateTimeOffset": at.astimezone(place.zone).isoformat()[-6:],
        "description": row.description,
        "equipmentReference": container.number if row.journey == "EQUIPMENT" else None,
        "isoEquipmentCode": None,
        "locationName": place.name,
        "locationUnlocode": place.unlocode,
        "modeOfTransport": row.mode,
        "vesselName": vessel[0],
        "vesselImo": vessel[1],
        "voyageNumber": vessel[3],
    }
