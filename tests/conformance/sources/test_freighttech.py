"""Freighttech's pushes and events after open_mercato.md section 3: whole journeys, of which only the new counts."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.accounts import FreighttechAccount
from config.subjects import CONTAINER_FIELDS
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.sources.freighttech.journey import ETA_CHANGED, container_facts
from webhooks.sources.freighttech.source import SOURCE
from webhooks.verification import Match
from worker.reading import Stored, Understanding
from worker.snapshots import Snapshot
from worker.states import Handling

NOW = datetime(2026, 11, 5, 12, tzinfo=UTC)
ACCOUNT = FreighttechAccount.model_validate({"vendor": "freighttech", "url_secrets": {"push": "push-secret"}})
PUSHES = ["container.updated", "container.updated__eta_changed", "container.updated__delivered"]
DEPARTED, ARRIVED, DELIVERED = (f"freighttech.container.{name}" for name in ("departed", "arrived", "delivered"))


def read(body: Any) -> Understanding:
    """Read a body as a stored event."""
    stored = Stored("boxes", "", json.dumps(body).encode(), "application/json", None, {}, None, NOW)
    return SOURCE.read(stored, ACCOUNT, "ID")


def known(*bodies: Any) -> Snapshot:
    """Return what is known of the container after these pushes, in this order."""
    snapshot = Snapshot()
    for body in bodies:
        for patch in read(body).patches:
            snapshot = snapshot.merged(patch)
    return snapshot


def facts_of(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the types of the facts."""
    return tuple(fact.type for fact in container_facts(snapshot))


def meaning_of(type_: str, snapshot: Snapshot) -> str:
    """Return what a fact exists once for, beside its container."""
    [meaning] = [fact.meaning for fact in container_facts(snapshot) if fact.type == type_]
    return meaning


def push(*milestones: dict[str, Any], at: str = "2026-02-19T00:00:00Z", **more: Any) -> dict[str, Any]:
    """Return a push with these milestones, between Ningbo and Norfolk."""
    payload = {
        "container_id": "MSKU7382913", "milestones": list(milestones),
        "origin_port": {"name": "Ningbo", "unlocode": "CNNGB"},
        "destination_port": {"name": "Norfolk", "unlocode": "USORF"},
        "inland_destination": {"name": "Columbus", "unlocode": "USCMH"},
    }  # fmt: skip
    return {"id": at, "reference_id": "r-1", "payload": payload | more, "created_at": "2026-02-01", "updated_at": at}


def milestone(code: str, unlocode: str | None = "USORF", at: str | None = "2026-03-18T12:00:00Z", **more: Any) -> Any:
    """Return a milestone that happened; `more` are fields of `journey_event`, or of the milestone itself."""
    event = {"journey_type": "TRANSPORT", "event_classifier": "ACT", "event_type": code}
    own = {key: more.pop(key) for key in ("id", "planned", "shipment_location", "vessel") if key in more}
    return {
        "id": f"ms-{code}-{unlocode}", "timestamp": at, "location": {"unlocode": unlocode, "name": unlocode},
        "journey_event": event | more, "planned": False, **own,
    }  # fmt: skip


def estimate(at: str, code: str = "ARRI", **more: Any) -> Any:
    """Return an estimated arrival at the port of destination."""
    return milestone(code, at=at, **{"event_classifier": "EST", "planned": True, **more})


@pytest.mark.parametrize("order", list(itertools.permutations(PUSHES)))
def test_pushes_in_any_order_end_in_the_same_journey(order: tuple[str, ...]) -> None:
    """A late push rewinds nothing, and what only it had is not lost."""
    snapshot = known(*map(load_example_of, order))

    assert snapshot.values["status"] == "empty_returned"
    assert len(snapshot.values["milestones"]) == 18
    assert snapshot.values["arrived_at"] == "2026-03-21T09:36:00+00:00"
    assert {DEPARTED, ARRIVED, DELIVERED} <= set(facts_of(snapshot))


def load_example_of(name: str) -> dict[str, Any]:
    """Return a push of the one container."""
    return load_example("freighttech", name)


def test_a_journey_is_known_in_our_words() -> None:
    """The first push: under way, called at a port of transshipment, which is no arrival."""
    understanding = read(load_example_of(PUSHES[0]))

    values = known(load_example_of(PUSHES[0])).values
    expected = {
        "number": "MSKU7382913", "status": "in_transit", "carrier": "MAEU", "size_type": "45G1",
        "bill_of_lading": "MAEU253816047", "origin": "Ningbo", "destination_unlocode": "USORF",
        "inland_destination": "Columbus", "eta": "2026-03-18T12:00:00+00:00",
        "eta_local": "2026-03-18T08:00:00.000-04:00", "departed_at": "2026-02-12T13:30:00+00:00",
        "vessel": "EXAMPLE MERIDIAN", "voyage": "0TU8W", "last_milestone": "DEPA", "location": "Busan",
        "passed": ["booked", "picked_up", "received", "loaded", "departed"],
    }  # fmt: skip
    assert understanding.subject == "container:MSKU7382913"
    assert {name: values.get(name) for name in expected} == expected
    assert set(values) <= set(CONTAINER_FIELDS)
    assert facts_of(known(load_example_of(PUSHES[0]))) == (DEPARTED,)


def test_a_new_estimate_is_told_with_the_old_one() -> None:
    """The shift is in hours, forward positive; the meaning of the fact is the journey and the new estimate."""
    snapshot = known(*map(load_example_of, PUSHES[:2]))

    assert snapshot.values["previous_eta"] == "2026-03-18T12:00:00+00:00"
    assert snapshot.values["eta_shift_hours"] == 70
    assert facts_of(snapshot) == (DEPARTED, ETA_CHANGED)
    assert meaning_of(ETA_CHANGED, snapshot) == "b5e48fcf-7479-46e2-a6f5-9527613bf659:2026-03-21T10:00:00+00:00"
    assert meaning_of(DEPARTED, snapshot) == "b5e48fcf-7479-46e2-a6f5-9527613bf659"


def test_the_last_push_after_which_nothing_is_estimated_changes_no_estimate() -> None:
    """The estimate turned into what happened under its own id: the arrival is news, a change of plan it is not."""
    before, after = known(*map(load_example_of, PUSHES[:2])), known(*map(load_example_of, PUSHES))

    assert after.values["eta"] == before.values["eta"]
    assert meaning_of(ETA_CHANGED, after) == meaning_of(ETA_CHANGED, before)
    assert facts_of(after) == (DEPARTED, ARRIVED, DELIVERED, ETA_CHANGED)


@pytest.mark.parametrize(
    ("first", "second", "shift"),
    [
        ("2026-03-18T08:00:00-04:00", "2026-03-18T12:00:00Z", None),
        ("2026-03-18T08:00:00-04:00", "2026-03-18T08:00:00Z", -4.0),
        ("2026-03-18T12:00:00Z", "2026-03-18T12:00:00", None),
        ("2026-03-18T12:00:00Z", "no time", None),
        ("no time", "2026-03-18T12:00:00Z", None),
    ],
)
def test_instants_are_compared_not_how_they_are_written(first: str, second: str, shift: float | None) -> None:
    """Offsets differ between pushes; what is no time says nothing; a first estimate is no change."""
    snapshot = known(push(estimate(first)), push(estimate(second), at="2026-02-20T00:00:00Z"))

    assert snapshot.values.get("eta_shift_hours") == shift
    assert (ETA_CHANGED in facts_of(snapshot)) is (shift is not None)


def test_an_estimate_before_a_plan_and_the_newest_word_before_both() -> None:
    """Several senders estimate; the last word counts, and the port of destination only."""
    plan = estimate("2026-03-20T00:00:00Z", event_classifier="PLN", id="a")
    guess = estimate("2026-03-18T00:00:00Z", id="b")
    elsewhere = milestone("ARRI", "KRPUS", "2026-03-25T00:00:00Z", event_classifier="EST", planned=True)
    by_rail = estimate("2026-03-26T00:00:00Z", transport_mode="RAIL", id="c")

    assert known(push(plan, guess, elsewhere, by_rail)).values["eta"] == "2026-03-18T00:00:00+00:00"
    later = push(plan, at="2026-02-21T00:00:00Z")
    assert known(push(plan, guess), later).values["eta"] == "2026-03-20T00:00:00+00:00"


def test_without_the_ports_code_the_role_of_the_place_counts() -> None:
    """A push without destination still says where the journey by sea ends."""
    body = push(estimate("2026-03-18T12:00:00Z", shipment_location={"type_code": "POD"}), destination_port=None)

    assert known(body).values["eta"] == "2026-03-18T12:00:00+00:00"


@pytest.mark.parametrize(
    ("milestones", "facts"),
    [
        ([milestone("DEPA", "CNNGB")], (DEPARTED,)),
        ([milestone("DEPA", "CNNGB", transport_mode="VESSEL")], (DEPARTED,)),
        ([milestone("DEPA", "CNYIW", transport_mode="TRUCK")], ()),
        ([milestone("DEPA", "CNNGB", planned=True)], ()),
        ([milestone("DEPA", "CNNGB", event_classifier="EST")], ()),
        ([milestone("ARRI")], (ARRIVED,)),
        ([milestone("ARRI", "KRPUS")], ()),
        ([milestone("ARRI", at=None)], (ARRIVED,)),
        ([milestone("DISC", event_classifier="EST", planned=True)], ()),
        ([milestone("DROP", "USCMH", empty_indicator="LADEN")], (DELIVERED,)),
        ([milestone("DROP", "CNNGB", empty_indicator="LADEN")], ()),
        ([milestone("DROP", "USCMH", empty_indicator="EMPTY")], ()),
        ([milestone("DLVR", None)], (DELIVERED,)),
        ([milestone("GTIN", "CNNGB", empty_indicator="EMPTY")], ()),
        ([milestone("DISC"), milestone("GTIN", "USCMH", empty_indicator="EMPTY")], (DELIVERED,)),
        ([milestone("arri", "usorf")], (ARRIVED,)),
        ([milestone("OMIT"), milestone("XXXX"), {"id": "x"}, None, 5], ()),
    ],
)
def test_facts_follow_from_what_happened_at_sea_and_at_the_end(milestones: list[Any], facts: tuple[str, ...]) -> None:
    """Actual and not planned; transshipment is no arrival; the empty return means that it was delivered."""
    assert facts_of(known(push(*milestones))) == facts


def test_a_phase_that_was_passed_stays_so() -> None:
    """A correction of the carrier's does not let a container go back."""
    arrived = push(milestone("DEPA", "CNNGB"), milestone("ARRI"))
    corrected = push(milestone("DEPA", "CNNGB"), estimate("2026-03-19T00:00:00Z", id="ms-ARRI-USORF"), at="2026-03-01")

    assert known(arrived, corrected).values["status"] == "arrived"
    assert facts_of(known(arrived, corrected)) == (DEPARTED, ARRIVED)


def test_a_container_that_sets_out_again_begins_a_journey_of_its_own() -> None:
    """Its facts may come again, nothing of the former journey is left, and a late word of that one changes nothing."""
    first = push(milestone("DEPA", "CNNGB"), milestone("ARRI"))
    second = push(milestone("DEPA", "CNNGB"), at="2026-09-01T00:00:00Z") | {
        "reference_id": "r-2", "created_at": "2026-08-01T00:00:00Z",
    }  # fmt: skip
    late = push(milestone("DROP", "USCMH", empty_indicator="LADEN"), at="2026-10-01T00:00:00Z")

    snapshot = known(first, second, late)

    assert snapshot == known(second)
    assert facts_of(snapshot) == (DEPARTED,)
    assert meaning_of(DEPARTED, snapshot) == "r-2"


def test_a_sparse_push_is_read_as_far_as_it_goes() -> None:
    """Blanks in the number, no ports, milestones without id, time or place, and some that are none."""
    snapshot = known(load_example_of("container.updated__sparse"))

    assert snapshot.values["number"] == "TCLU4943827"
    assert len(snapshot.values["milestones"]) == 3
    assert (snapshot.values["status"], snapshot.values["eta"]) == ("in_transit", "2026-03-18T12:00:00+00:00")


def test_a_push_without_milestones_erases_none() -> None:
    """What is not said is not taken back."""
    full, bare = load_example_of(PUSHES[0]), push(at="2026-04-01T00:00:00Z", milestones=None)
    bare["reference_id"] = full["reference_id"]

    before, after = known(full), known(full, bare)

    kept = ("status", "eta", "milestones", "vessel", "departed_at")
    assert {name: after.values[name] for name in kept} == {name: before.values[name] for name in kept}


def test_a_clock_that_is_ahead_does_not_make_its_word_stand_for_ever() -> None:
    """What the ledger bounds bounds the milestones and the journey, too."""
    [patch] = read(push(estimate("2026-03-18T12:00:00Z"), at="2098-01-01T00:00:00Z")).patches
    bounded = type(patch)(**{**vars(patch), "as_of": NOW})
    [later] = read(push(estimate("2026-03-20T12:00:00Z"), at=(NOW + timedelta(days=1)).isoformat())).patches

    assert Snapshot().merged(bounded).merged(later).values["eta"] == "2026-03-20T12:00:00+00:00"


def test_a_push_is_known_by_its_own_id_and_an_event_of_the_module_by_its_body() -> None:
    """The module sends no delivery id: the id in its body is the shipment's, the same in every event."""

    def key(body: Any) -> str:
        inbound = Inbound("boxes", json.dumps(body).encode(), {}, "", None, None, NOW)
        return SOURCE.identify(inbound, body, Match(0), ACCOUNT)[0].dedupe_key

    event = load_example("freighttech", "shipment_tracking.transport.eta_updated")
    assert key(push(at="u-1")) == "u-1"
    assert key(event) == key(dict(event))
    assert key(event) != key(event | {"timestamp": "2026-03-09T13:00:00Z"})


def test_an_event_of_the_module_tells_the_container_in_the_same_words() -> None:
    """Of several estimates the one updated last; no facts, as its events have names."""
    understanding = read(load_example("freighttech", "shipment_tracking.transport.eta_updated"))

    values = Snapshot().merged(understanding.patches[0]).values
    expected = {
        "number": "MSKU7382913", "status": "in_transit", "eta": "2026-03-21T10:00:00+00:00",
        "departed_at": "2026-02-12T13:30:00+00:00", "vessel": "EXAMPLE MERIDIAN", "destination_unlocode": "USORF",
    }  # fmt: skip
    assert understanding.subject == "container:MSKU7382913"
    assert {name: values.get(name) for name in expected} == expected
    assert "arrived_at" not in values
    assert understanding.possible_facts == ()
    assert set(values) <= set(CONTAINER_FIELDS)


def test_a_booking_without_a_container_is_passed_on() -> None:
    """There is nothing yet that it could be about."""
    understanding = read(load_example("freighttech", "shipment_tracking.shipment.created"))

    assert (understanding.subject, understanding.handling) == (None, Handling.HANDLED)
    assert understanding.data["bookingNumber"] == "253816047"


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        ({"type": "shipment_tracking.poi.vessel_near_port"}, "freighttech.shipment_tracking.poi.vessel_near_port"),
        ({"type": "container.departed"}, "freighttech.unrecognized"),
        ({"type": "container.exploded"}, "freighttech.container.exploded"),
        ({"type": []}, "freighttech.unrecognized"),
        ({}, "freighttech.unrecognized"),
    ],
)
def test_names_we_do_not_know_are_kept_and_none_passes_for_a_fact(body: dict[str, Any], type_: str) -> None:
    """Facts are ours."""
    understanding = read(body)

    assert (understanding.type, understanding.handling) == (type_, Handling.UNKNOWN)
    assert understanding.patches == ()


def test_each_sender_has_its_own_proof() -> None:
    """An account may have one of them or both."""
    secrets = {"tracking_secrets": ["tracking-secret"]}
    both = FreighttechAccount.model_validate(
        {**ACCOUNT.model_dump(), **secrets, "url_secrets": {"push": "push-secret"}}
    )

    assert [scheme.in_path for scheme in SOURCE.schemes(ACCOUNT)] == [True]
    assert [scheme.in_path for scheme in SOURCE.schemes(both)] == [True, False]
