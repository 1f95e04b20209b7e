"""FreightTech's additions: shipments with containers, and the settings of the container tracking.

Source: one stored version of the public route and its commands; the dump shows no bodies. So the list of fields is
likely, not certain, and whatever goes wrong in a write is a 400.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from tasks.actions.open_mercato.parameters import (
    Amount,
    ById,
    Given,
    Id,
    Json,
    Moment,
    Paged,
    Text,
    Text20,
    Text40,
    Text50,
    Text100,
    Text200,
    Text4000,
)
from tasks.actions.open_mercato.reading import ID, all_rows, found
from tasks.actions.operations import Operation
from webhooks import fields
from worker.acting import Call, Outcome, Settled, Settlement

_SETTINGS = "/fms_tracking/settings/freighttech"
SHOWN = {"id": ("id",), "status": ("status",)}


class Journey(Given):
    """What container tracking tells of a shipment."""

    etd: Moment | None = None
    atd: Moment | None = None
    eta: Moment | None = None
    ata: Moment | None = None
    vessel_name: Text200 | None = None
    vessel_imo: Text20 | None = None
    voyage_number: Text100 | None = None
    status: Text50 | None = None


class Shipment(Journey):
    """What a shipment has."""

    client_id: Id | None = None
    assigned_to_id: Id | None = None
    container_number: Text40 | None = None
    internal_reference: Text200 | None = None
    client_reference: Text200 | None = None
    booking_number: Text200 | None = None
    bol_number: Text200 | None = None
    carrier: Text200 | None = None
    origin_port: Text200 | None = None
    origin_location: Text200 | None = None
    destination_port: Text200 | None = None
    destination_location: Text200 | None = None
    shipper_id: Id | None = None
    consignee_id: Id | None = None
    contact_person_id: Id | None = None
    weight: Amount | None = None
    volume: Amount | None = None
    container_type: Text50 | None = None
    total_pieces: Annotated[int, Field(ge=0)] | None = None
    total_actual_weight: Amount | None = None
    total_chargeable_weight: Amount | None = None
    total_volume: Amount | None = None
    amount: Amount | None = None
    mode: Text50 | None = None
    incoterms: Text20 | None = None
    request_date: Moment | None = None


class UpdateShipment(Shipment):
    """Change what is given of a shipment."""

    id: Id


class FindShipments(Paged):
    """Shipments that fit all of this."""

    search: Text | None = Field(default=None, description="In the reference, booking, container, B/L or carrier.")
    status: Text | None = None
    container_type: Text | None = None
    client_id: Id | None = None
    assigned_to_id: Id | None = None


class PartsOf(Paged):
    """What belongs to one shipment."""

    id: Id


class AddTask(ById):
    """Something to do for a shipment; its fields are not public."""

    title: Text200
    description: Text4000 | None = None
    due_date: Moment | None = None
    assigned_to_id: Id | None = None
    status: Text50 | None = None


class UpdateContainer(ById):
    """A container's fields, as the server calls them: they are not public."""

    values: Json


class PutSettings(Given):
    """How the server asks Freighttech."""

    api_key: Annotated[str, StringConstraints(min_length=1)]
    api_base_url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]


def _settle_shipment(call: Call, _since: datetime) -> Settlement:
    reference = call.parameters.internal_reference
    if reference is None:
        return Settlement(Settled.NOT_KNOWN)
    rows = all_rows(call, "/shipments", search=reference)
    row = next((row for row in rows if row.get("internalReference") == reference), None)
    # Nothing keeps the reference unique: one that is there may be older, and the list may lag behind.
    return Settlement(Settled.HAPPENED, Outcome({"id": fields.text(row.get("id"))})) if row else Settlement(
        Settled.NOT_KNOWN
    )  # fmt: skip


_OF = "open_mercato."
OPERATIONS = (
    Operation(_OF + "find_freight_shipments", FindShipments, "GET", "/shipments", "Find shipments.", finish=found),
    Operation(_OF + "get_freight_shipment", ById, "GET", "/shipments/{id}", "Read a shipment.", result=SHOWN),
    Operation(_OF + "create_freight_shipment", Shipment, "POST", "/shipments", "Create a shipment.", idempotent=False,
              result=ID, settle=_settle_shipment, settled_by="its internal reference, where one was given"),
    Operation(_OF + "update_freight_shipment", UpdateShipment, "PUT", "/shipments/{id}", "Change a shipment.",
              idempotent=True),
    Operation(_OF + "find_freight_containers", Paged, "GET", "/shipments/containers", "List containers.",
              finish=found),
    Operation(_OF + "find_containers_of_shipment", PartsOf, "GET", "/shipments/{id}/containers",
              "List a shipment's containers.", finish=found),
    Operation(_OF + "find_documents_of_shipment", PartsOf, "GET", "/shipments/{id}/documents",
              "List a shipment's documents.", finish=found),
    Operation(_OF + "find_tasks_of_shipment", PartsOf, "GET", "/shipments/{id}/tasks", "List a shipment's tasks.",
              finish=found),
    Operation(_OF + "add_freight_task", AddTask, "POST", "/shipments/{id}/tasks", "Add a task to a shipment.",
              idempotent=False, result=ID),
    Operation(_OF + "get_freighttech_settings", Given, "GET", _SETTINGS, "Read how Freighttech is asked.",
              result={"api_base_url": ("apiBaseUrl",)}),
    Operation(_OF + "put_freighttech_settings", PutSettings, "PUT", _SETTINGS, "Set how Freighttech is asked.",
              idempotent=True, result={"api_base_url": ("apiBaseUrl",)}),
)  # fmt: skip
