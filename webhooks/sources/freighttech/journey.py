"""A container's journey: what is known of it after a push, and the facts that this amounts to.

A push carries the whole journey each time, so a push is not news: news is what was not known before. Pushes come in any
order, some are incomplete, and the same container sets out again, later, under another reference.

Invariant: whatever the order of the pushes, the same journey is known in the end, and each fact of it arises once.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from webhooks import fields
from webhooks.sources.freighttech.milestones import (
    Milestone,
    is_at,
    is_at_sea,
    milestones_in,
    newest_estimate,
    text_of,
    union,
)
from worker.reading import Fact
from worker.snapshots import Patch, Snapshot

ETA_CHANGED = "freighttech.container.eta_changed"
# The fact, and the phases of which any amounts to it. Few carriers report the delivery; all report the empty return.
_FACTS = {
    "freighttech.container.departed": {"departed"},
    "freighttech.container.arrived": {"arrived"},
    "freighttech.container.delivered": {"delivered", "empty_returned"},
}
FACTS = (*_FACTS, ETA_CHANGED)

Values = Mapping[str, Any]
_AFTER_THE_SEA = {"arrived", "discharged", "available", "delivered"}

# Our field: where it stands in `payload`.
_PORTS = {"origin": "origin_port", "destination": "destination_port", "inland_destination": "inland_destination"}
_MOST_NUMBER_CHARACTERS = 40


def _is_at_the_end(one: Milestone, journey: Values) -> bool:
    places = {journey.get("destination_unlocode"), journey.get("inland_destination_unlocode")} - {None}
    return one["unlocode"] in places or one["role"] in {"POD", "PDE"}


def _is_at_origin(one: Milestone, journey: Values) -> bool:
    return is_at(one, journey.get("origin_unlocode"), "POL")


def _is_at_destination(one: Milestone, journey: Values) -> bool:
    return is_at(one, journey.get("destination_unlocode"), "POD")


def _is_empty(one: Milestone) -> bool:
    return bool(one["empty"] == "EMPTY")


# The phases of a journey in their order: what happens to be true of a milestone that begins it; `passed` holds the
# phases before. A port of transshipment is none of the two ports, so calling there is neither arrival nor discharge.
_PHASES: Mapping[str, Callable[[Milestone, Values, set[str]], bool]] = {
    "booked": lambda one, _journey, _passed: one["journey_type"] == "SHIPMENT",
    "picked_up": lambda one, _journey, _passed: one["type"] in {"GTOT", "PICK"} and _is_empty(one),
    "received": lambda one, journey, _passed: (
        one["type"] == "GTIN" and not _is_empty(one) and _is_at_origin(one, journey)
    ),
    "loaded": lambda one, _journey, _passed: one["type"] == "LOAD" and is_at_sea(one),
    "departed": lambda one, _journey, _passed: one["type"] == "DEPA" and is_at_sea(one),
    "arrived": lambda one, journey, _passed: (
        one["type"] == "ARRI" and is_at_sea(one) and _is_at_destination(one, journey)
    ),
    "discharged": lambda one, journey, _passed: (
        one["type"] == "DISC" and is_at_sea(one) and _is_at_destination(one, journey)
    ),
    "available": lambda one, _journey, _passed: one["type"] == "AVPU",
    "delivered": lambda one, journey, _passed: one["type"] == "DLVR" or (
        one["type"] in {"DROP", "STRP"} and not _is_empty(one) and _is_at_the_end(one, journey)
    ),
    # At the beginning an empty container may be brought in, too.
    "empty_returned": lambda one, _journey, passed: (
        one["type"] == "GTIN" and _is_empty(one) and bool(passed & _AFTER_THE_SEA)
    ),
}  # fmt: skip
# A container that has departed is under way until it arrives.
_STATUS = {"departed": "in_transit"}
_TIMED = ("loaded", "departed", "arrived", "discharged", "available", "delivered", "empty_returned")


def container_subject(number: Any) -> str | None:
    """Return the subject of a container's number, which is written in several ways; None when it is none."""
    text = fields.key_text(number)
    bare = "".join(filter(str.isalnum, text)).upper() if text else ""
    return f"container:{bare}" if 0 < len(bare) <= _MOST_NUMBER_CHARACTERS else None


def journey_patch(body: Any, told_at: datetime) -> Patch | None:
    """Return what a push says of its container; None when it does not say which one."""
    given = fields.at(body, "payload")
    subject = container_subject(fields.at(given, "container_id"))
    if subject is None:
        return None
    reference = fields.first_key(body, ("reference_id", "payload.reference_id"))
    began_at = fields.moment(fields.at(body, "created_at")) or told_at
    values: dict[str, Any] = {
        "number": subject.partition(":")[2],
        "journey": reference, "reference": reference, "journey_began_at": began_at.isoformat(),
        "carrier": text_of(given, "carrier_scac"), "size_type": text_of(given, "container_iso"),
        "bill_of_lading": text_of(given, "bill_of_lading"), "inland_origin": text_of(given, "inland_origin.name"),
        "milestones": milestones_in(fields.at(given, "milestones")), "updated_at": told_at.isoformat(),
    }  # fmt: skip
    for ours, theirs in _PORTS.items():
        values[ours] = text_of(given, f"{theirs}.name")
        code = text_of(given, f"{theirs}.unlocode")
        values[f"{ours}_unlocode"] = code.upper() if code else None
    values.pop("inland_origin_unlocode", None)
    return Patch(subject, values, told_at, complete=True, merge=taken_in)


def taken_in(before: Snapshot, patch: Patch) -> Snapshot:
    """Take in what was said of a container: milestone by milestone, and of its newest journey only."""
    journey, known = patch.values.get("journey"), before.values.get("journey")
    at = patch.as_of.astimezone(UTC).isoformat(timespec="microseconds")
    # A clock that is ahead must not make one journey the newest for ever.
    began = {"journey_began_at": min(str(patch.values["journey_began_at"]), at)}
    if known is not None and journey is not None and known != journey:
        if began["journey_began_at"] <= before.values["journey_began_at"]:
            return before  # a late word of a journey that is over
        before = Snapshot()
    after = before.with_newest(replace(patch, values=patch.values | began, merge=None))
    values = dict(after.values)
    if told := patch.values.get("milestones"):
        values["milestones"] = union(before.values.get("milestones") or (), told, at)
        values |= {name: value for name, value in _summary(values).items() if value is not None}
    return replace(after, values=values | _moved(before.values, values))


def container_facts(snapshot: Snapshot) -> tuple[Fact, ...]:
    """Return the facts that a container's snapshot amounts to: each once in a journey, each new estimate once.

    A first estimate is no change of one.
    """
    values = snapshot.values
    passed, journey = set(values.get("passed") or ()), str(values.get("journey") or "")
    subject = f"container:{values.get('number')}"
    found = [Fact(type_, subject, journey) for type_, phases in _FACTS.items() if phases & passed]
    changed = [Fact(ETA_CHANGED, subject, f"{journey}:{values.get('eta')}")] if values.get("previous_eta") else []
    return (*found, *changed)


def _summary(journey: Values) -> dict[str, Any]:
    """Return what the milestones of a journey amount to."""
    milestones: list[Milestone] = journey["milestones"]
    actual = [one for one in milestones if one["is_actual"]]
    passed: dict[str, Milestone] = {}
    for phase, begins in _PHASES.items():
        reached = (one for one in actual if begins(one, journey, set(passed)))
        if first := next(reached, None):
            passed[phase] = first
    known = {*passed, *(journey.get("passed") or ())}  # a phase that was passed stays so, whatever is corrected
    ordered = [phase for phase in _PHASES if phase in known]
    arrivals = [m for m in milestones if m["type"] == "ARRI" and is_at_sea(m) and _is_at_destination(m, journey)]
    departures = [m for m in milestones if m["type"] == "DEPA" and is_at_sea(m) and _is_at_origin(m, journey)]
    # Estimates that nobody took back mean nothing any more once it has happened.
    eta = None if "arrived" in known else newest_estimate(arrivals)
    etd = None if "departed" in known else newest_estimate(departures)
    aboard = next((one for one in reversed(actual) if one["vessel"]), None)
    last = actual[-1] if actual else None
    return {
        "status": _STATUS.get(ordered[-1], ordered[-1]) if ordered else None, "passed": ordered,
        **{f"{phase}_at": passed[phase]["at"] for phase in _TIMED if phase in passed},
        "eta": eta and eta["at"], "eta_local": eta and eta["local"], "etd": etd and etd["at"],
        **{name: aboard and aboard[name] for name in ("vessel", "vessel_imo", "voyage")},
        "last_milestone": last and last["type"], "last_milestone_at": last and last["at"],
        "location": last and last["place"],
    }  # fmt: skip


def _moved(before: Values, after: Values) -> dict[str, Any]:
    """Return what is to be said of an estimate that has changed; the instants count, not how they are written."""
    old, new = fields.moment(before.get("eta")), fields.moment(after.get("eta"))
    if old is None or new is None or old == new:
        return {}
    return {"previous_eta": old.isoformat(), "eta_shift_hours": round((new - old).total_seconds() / 3600, 2)}
