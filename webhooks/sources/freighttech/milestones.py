"""Freighttech's milestones: what happened to a container, or is expected to, read out of one push.

Source: the request schema of POST /fms_tracking/webhook/freighttech; the codes are DCSA's. A milestone keeps its id
over all pushes: an estimate turns into what happened under the same id, and ids are unique within one journey.

Invariant: one unreadable milestone costs that milestone, never the push.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from webhooks import fields

Milestone = dict[str, Any]

MOST = 200
_ACTUAL, _ESTIMATED = "ACT", "EST"
# A container's vessel is what these are not.
_ON_LAND = ("RAIL", "TRUCK", "BARGE")

# Our field: where it stands in a milestone.
_TEXTS = {
    "type": "journey_event.event_type",
    "classifier": "journey_event.event_classifier",
    "journey_type": "journey_event.journey_type",
    "mode": "journey_event.transport_mode",
    "empty": "journey_event.empty_indicator",
    "role": "shipment_location.type_code",
    "unlocode": "location.unlocode",
    "place": "location.name",
    "vessel": "vessel",
    "vessel_imo": "vessel_imo",
    "voyage": "voyage",
    "description": "description",
    "source": "source",
}
_CODES = ("type", "classifier", "journey_type", "mode", "empty", "role", "unlocode")


def milestones_in(given: Any) -> list[Milestone] | None:
    """Return what a push says of the milestones; None when it does not speak of them."""
    if not isinstance(given, list):
        return None
    return [read for one in given[:MOST] if (read := _milestone(one))]


def _milestone(given: Any) -> Milestone | None:
    found: Milestone = {ours: fields.text(fields.at(given, place)) for ours, place in _TEXTS.items()}
    found |= {name: found[name].upper() for name in _CODES if found[name]}
    if found["type"] is None:
        return None
    stated = fields.at(given, "timestamp")
    at = fields.moment(stated)
    same = [found[name] or "" for name in ("journey_type", "type", "unlocode", "mode", "empty", "voyage")]
    return found | {
        "id": fields.key_text(fields.at(given, "id")) or ":".join(same),
        "at": at.isoformat() if at else None,
        "local": str(stated).strip() if at else None,
        # An estimate whose classifier was left at ACT says so by `planned`.
        "is_actual": found["classifier"] == _ACTUAL and fields.at(given, "planned") is not True,
    }


def union(known: Iterable[Milestone], told: Iterable[Milestone], told_at: str) -> list[Milestone]:
    """Return the milestones of both, by time; of each the newest word counts, whenever it came in."""
    newest: dict[str, Milestone] = {}
    for one in (*known, *({**one, "told_at": told_at} for one in told)):
        if one["told_at"] >= newest.get(one["id"], one)["told_at"]:
            newest[one["id"]] = one
    return sorted(newest.values(), key=lambda one: (one["at"] or "", one["id"]))[-MOST:]


def is_at_sea(one: Milestone) -> bool:
    """Whether it is about the vessel, not about the way to or from the port."""
    return one["mode"] not in _ON_LAND


def is_at(one: Milestone, unlocode: str | None, role: str) -> bool:
    """Whether it is at a port: by the port's code, where both are known, else by the place's role in the journey."""
    return bool(one["unlocode"] == unlocode if unlocode and one["unlocode"] else one["role"] == role)


def newest_estimate(milestones: Iterable[Milestone]) -> Milestone | None:
    """Return the estimate that counts: the one told last, an estimate before a plan, the latest time."""
    timed = [one for one in milestones if one["at"] and not one["is_actual"]]
    return max(timed, key=lambda one: (one["told_at"], one["classifier"] == _ESTIMATED, one["at"]), default=None)


def text_of(place: Mapping[str, Any] | None, name: str) -> str | None:
    """Return a field of a location that may be missing."""
    return fields.text(fields.at(place, name))
