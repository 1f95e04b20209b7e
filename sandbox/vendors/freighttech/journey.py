"""The journey of a faked container: from Yiwu over Ningbo and Busan to Norfolk and Columbus, as a table.

Invariant: a push carries the whole journey up to its stage; a milestone keeps its id from the first push to the last.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from sandbox.exchange import Json

Record = dict[str, Json]

CHINA, KOREA, EAST_COAST = (timezone(timedelta(hours=hours)) for hours in (8, 9, -4))
ETA_SHIFT = timedelta(hours=70)


class Stage(StrEnum):
    """How far a journey is told."""

    IN_TRANSIT = "in_transit"
    ETA_CHANGED = "eta_changed"
    DELIVERED = "delivered"


@dataclass(frozen=True)
class Place:
    """Where something happens; `codes` are FIRMS, BIC and SMDG."""

    name: str
    state: str
    country: str
    unlocode: str
    zone: timezone
    facility: str | None
    latitude: float
    longitude: float
    codes: tuple[str | None, str | None, str | None] = (None, None, None)

    def shown(self) -> Record:
        """Return it as a push shows it."""
        firms, bic, smdg = self.codes
        return {
            "name": self.name,
            "city": self.name,
            "state": self.state,
            "country": self.country,
            "unlocode": self.unlocode,
            "firms_cd": firms,
            "bic_cd": bic,
            "smdg_cd": smdg,
            "facility": self.facility,
            "geolocation": {"latitude": self.latitude, "longitude": self.longitude},
        }


PLACES: Mapping[str, Place] = {
    "PRE": Place("Yiwu", "Zhejiang", "China", "CNYIW", CHINA, None, 29.3068, 120.0751),
    "POL": Place("Ningbo", "Zhejiang", "China", "CNNGB", CHINA, "Meishan terminal", 29.7702, 121.9888),
    "TSP": Place("Busan", "Busan", "South Korea", "KRPUS", KOREA, "Busan New Port", 35.1028, 129.0403),
    "POD": Place(
        "Norfolk",
        "Virginia",
        "United States",
        "USORF",
        EAST_COAST,
        "Norfolk International Terminals",
        36.8468,
        -76.2852,
        ("L005", "USORFYPQR", "USORFNIT"),
    ),
    "PDE": Place("Columbus", "Ohio", "United States", "USCMH", EAST_COAST, "Columbus rail ramp", 39.9612, -82.9988),
}
# Name, IMO, MMSI, voyage.
VESSELS = (("EXAMPLE HORIZON", "9999981", "219999001", "607E"), ("EXAMPLE MERIDIAN", "9999979", "563999002", "0TU8W"))


@dataclass(frozen=True)
class Milestone:
    """One row of the journey.

    Attributes:
        hours: after the departure from the port of transshipment; what is behind it is an estimate until delivery.
        late: how many hours later than last estimated it then really was.
        first: the stage whose push names it first.
        guess: the classifier while it is to come.
    """

    id: str
    hours: int
    place: str
    event: str
    description: str
    journey: str = "EQUIPMENT"
    empty: str | None = "LADEN"
    mode: str | None = "VESSEL"
    facility: str | None = "POTE"
    document: str | None = None
    vessel: int | None = None
    late: int = 0
    first: Stage = Stage.IN_TRANSIT
    guess: str = "EST"

    def shown(self, departed_at: datetime, stage: Stage) -> Record:
        """Return it as the push of a stage shows it."""
        actual, place = self.hours <= 0 or stage is Stage.DELIVERED, PLACES[self.place]
        name, imo, mmsi, voyage = VESSELS[self.vessel] if self.vessel is not None else (None, None, None, None)
        return {
            "id": self.id,
            "timestamp": self.at(departed_at, stage).astimezone(place.zone).isoformat(timespec="milliseconds"),
            "location": place.shown(),
            "description": self.description,
            "raw_description": self.description if actual else f"{self.description} - planned",
            "journey_event": {
                "journey_type": self.journey,
                "event_classifier": "ACT" if actual else self.guess,
                "event_type": self.event,
                "empty_indicator": self.empty,
                "transport_mode": self.mode,
                "facility_type": self.facility,
                "document_type": self.document,
            },
            "shipment_location": {"type_code": None if self.place == "TSP" else self.place},
            "vessel": name,
            "vessel_imo": imo,
            "vessel_mmsi": mmsi,
            "voyage": voyage,
            "planned": not actual,
            "mode": self.mode.lower() if self.mode else None,
            "source": "carrier",
        }

    def at(self, departed_at: datetime, stage: Stage) -> datetime:
        """Return when it was or will be, as a stage knows it."""
        moment = departed_at + timedelta(hours=self.hours)
        if self.hours <= 0 or stage is Stage.IN_TRANSIT:
            return moment
        return moment + ETA_SHIFT + timedelta(hours=self.late if stage is Stage.DELIVERED else 0)


# fmt: off
MILESTONES = (
    Milestone("ms-0001", -408, "PRE", "CONF", "Booking confirmed", "SHIPMENT", None, None, None, "BKG"),
    Milestone("ms-0002", -312, "PRE", "GTOT", "Gate out empty at origin", empty="EMPTY", mode="TRUCK", facility="DEPO"),
    Milestone("ms-0003", -232, "POL", "GTIN", "Gate in full at origin port", mode="TRUCK"),
    Milestone("ms-0004", -171, "POL", "LOAD", "Loaded on vessel at origin port", vessel=0),
    Milestone("ms-0005", -156, "POL", "DEPA", "Vessel departed from origin port", "TRANSPORT", None, vessel=0),
    Milestone("ms-0006", -101, "TSP", "ARRI", "Vessel arrived at transshipment port", "TRANSPORT", None, vessel=0),
    Milestone("ms-0007", -92, "TSP", "DISC", "Discharged at transshipment port", vessel=0),
    Milestone("ms-0008", -9, "TSP", "LOAD", "Loaded on vessel at transshipment port", vessel=1),
    Milestone("ms-0009", 0, "TSP", "DEPA", "Vessel departed from transshipment port", "TRANSPORT", None, vessel=1),
    Milestone("ms-0010", 658, "POD", "ARRI", "Vessel arrived at destination port", "TRANSPORT", None, vessel=1,
              late=-1),
    Milestone("ms-0011", 670, "POD", "DISC", "Discharged at destination port", vessel=1, late=5),
    Milestone("ms-0015", 680, "POD", "CUSR", "Customs released", mode=None, late=5, first=Stage.DELIVERED),
    Milestone("ms-0016", 684, "POD", "AVPU", "Available for pick up", mode=None, late=5, first=Stage.DELIVERED),
    Milestone("ms-0012", 710, "POD", "LOAD", "Loaded on rail at destination port", mode="RAIL", facility="RAMP", late=4,
              guess="PLN"),
    Milestone("ms-0013", 764, "PDE", "ARRI", "Arrived at inland destination", "TRANSPORT", None, "RAIL", "RAMP",
              late=-2, guess="PLN"),
    Milestone("ms-0017", 775, "PDE", "GTOT", "Gate out full at inland destination", mode="TRUCK", facility="RAMP",
              first=Stage.DELIVERED),
    Milestone("ms-0018", 778, "PDE", "DROP", "Delivered to consignee", mode="TRUCK", facility="CLOC",
              first=Stage.DELIVERED),
    Milestone("ms-0014", 878, "PDE", "GTIN", "Gate in empty return", empty="EMPTY", mode="TRUCK", facility="DEPO",
              late=-24, guess="PLN"),
)
# fmt: on
ARRIVAL = next(milestone for milestone in MILESTONES if milestone.id == "ms-0010")
STAGES = tuple(Stage)


def milestones(departed_at: datetime, stage: Stage) -> list[Record]:
    """Return all milestones a stage knows, in the order they happen."""
    reached = STAGES.index(stage)
    return [row.shown(departed_at, stage) for row in MILESTONES if STAGES.index(row.first) <= reached]


def ports() -> Record:
    """Return the four ends of the journey."""
    ends = {"inland_origin": "PRE", "origin_port": "POL", "destination_port": "POD", "inland_destination": "PDE"}
    return {name: PLACES[place].shown() for name, place in ends.items()}
