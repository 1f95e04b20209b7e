"""The containers that the faked Freighttech follows, and the pushes about them.

Invariant: each push has an id of its own and repeats the `reference_id` of its container.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sandbox.ids import IdMaker
from sandbox.vendors.freighttech.journey import ARRIVAL, STAGES, Record, Stage, milestones, ports

ORGANIZATION_ID = "b1e8fa74-4e45-4651-af37-6e7df8d537a6"


def stamp(moment: datetime) -> str:
    """Write a time in UTC: ISO 8601, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Container:
    """One container; `stage` is what was last told, None before the first push."""

    number: str
    reference_id: str
    parent_reference_id: str
    carrier_scac: str
    bill_of_lading: str
    created_at: datetime
    stage: Stage | None = None

    @property
    def departed_at(self) -> datetime:
        """When it left the port of transshipment: so long ago that nothing in the journey happens in the future."""
        return self.created_at.replace(minute=0, second=0, microsecond=0) - timedelta(days=40)

    @property
    def next_stage(self) -> Stage | None:
        """The stage that comes next, None at the end."""
        if self.stage is None:
            return STAGES[0]
        return next(iter(STAGES[STAGES.index(self.stage) + 1 :]), None)

    def estimates(self) -> list[datetime]:
        """Return the arrival times told so far at the port of destination, oldest first."""
        told = STAGES[: STAGES.index(self.stage) + 1] if self.stage else STAGES[:1]
        return [ARRIVAL.at(self.departed_at, stage) for stage in told if stage is not Stage.DELIVERED]

    def push(self, ids: IdMaker, now: datetime) -> Record:
        """Return the push about the present stage: the whole journey."""
        stage = self.stage or STAGES[0]
        return {
            "id": ids.uuid("update"),
            "reference_id": self.reference_id,
            "parent_reference_id": self.parent_reference_id,
            "status": "data_received",
            "organization_id": ORGANIZATION_ID,
            "payload": {
                "reference_id": self.reference_id,
                "bill_of_lading": self.bill_of_lading,
                "carrier_scac": self.carrier_scac,
                "container_id": self.number,
                "container_iso": "45G1",
                "milestones": milestones(self.departed_at, stage),
                **ports(),
            },
            "created_at": stamp(self.created_at),
            "updated_at": stamp(now),
        }

    def shown(self) -> Record:
        """Return it as JSON."""
        return {
            "container_id": self.number,
            "reference_id": self.reference_id,
            "stage": self.stage,
            "carrier_scac": self.carrier_scac,
            "bill_of_lading": self.bill_of_lading,
            "eta": stamp(self.estimates()[-1]),
        }


def sparse(push: Record) -> Record:
    """Return a push as poor as the origin of its format allows: no codes, nulls, one milestone without a time."""
    payload = push["payload"]
    poor = [{**row, "location": _without_codes(row["location"])} for row in payload["milestones"]]
    poor[0] |= {"timestamp": None, "location": None}
    poor[1]["journey_event"] = {
        name: value
        for name, value in poor[1]["journey_event"].items()
        if name not in ("empty_indicator", "transport_mode")
    }
    lean = {**payload, "milestones": poor, "bill_of_lading": None, "inland_origin": None, "inland_destination": None}
    return {**push, "parent_reference_id": None, "payload": lean}


def in_utc(push: Record) -> Record:
    """Return a push with the same instants, all written in UTC."""
    rows = [
        {**row, "timestamp": stamp(datetime.fromisoformat(row["timestamp"]))} for row in push["payload"]["milestones"]
    ]
    return {**push, "payload": {**push["payload"], "milestones": rows}}


def _without_codes(location: Record) -> Record:
    return {name: value for name, value in location.items() if not name.endswith("_cd")} | {"unlocode": None}
